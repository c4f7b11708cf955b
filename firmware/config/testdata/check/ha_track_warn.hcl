node { name = "left" }

group "front" {
  homes = ["left", "right"]

  track "port" "lan2" { weight = 20 }

  track "pool" "shop" {
    at_least = 3
    weight   = 30
  }
}

group "fault" {
  homes = ["left", "right"]

  track "port" "lan2" { weight = 20 }
  track "port" "lan3" { weight = 0 }
}

group "enough" {
  homes = ["left", "right"]

  track "port" "lan2" { weight = 20 }
  track "port" "lan3" { weight = 31 }
}

pool "shop" {
  member "web1" {}
}

server "web1" { address = "192.0.2.80:80" }
