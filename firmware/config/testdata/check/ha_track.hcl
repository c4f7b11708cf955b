node { name = "left" }

group "front" {
  homes = ["left", "right"]

  track "port" "lan2" { weight = 254 }
  track "port" "lan2" {}
  track "prot" "lan3" {}
  track "port" {}
  track "port" "lan 4" {}
  track "default_route" "v5" { at_least = 1 }
  track "pool" "shpo" {}

  track "pool" "shop" {
    at_least = 3
    ttl      = "5s"
  }

  track "custom" "up" { at_least = 2 }
}

pool "shop" {
  member "web1" {}
}

server "web1" { address = "192.0.2.80:80" }
