node {
  name   = "left"
  listen = "10.255.0.1:7460"
  peer "right" { address = "10.255.0.2:7460" }
}

group "mistyped" {
  homes = ["left", "rigth"]

  router "lan" {
    port      = "lan1"
    vrid      = 1
    addresses = ["192.0.2.1/24"]
  }
}

group "elsewhere" { homes = ["right", "berlin"] }
