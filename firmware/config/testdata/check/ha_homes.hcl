node {
  name   = "left"
  listen = "10.255.0.1:7460"
  peer "right" { address = "10.255.0.2:7460" }
}

group "none" { homes = [] }

group "missing" {}

group "many" { homes = ["left", "right", "third", "fourth", "fifth"] }

group "mistyped" { homes = ["left", "rigth"] }

group "unknown" { homes = ["left", "berlin", "le ft"] }

group "elsewhere" { homes = ["right"] }
