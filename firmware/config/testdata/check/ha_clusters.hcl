node { name = "left" }

metrics { listen = "127.0.0.1:9100" }

console { listen = ["192.0.2.1:9443"] }

group "front" {
  homes = ["left"]

  router "lan" {
    port      = "lan1"
    vrid      = 1
    addresses = ["192.0.2.1/24"]
  }
}

group "back" {
  homes = ["left"]

  router "lan" {
    port      = "lan1"
    vrid      = 2
    addresses = ["192.0.2.2/24"]
  }
}

cluster "both" {
  protocol = "http"
  listen   = ["192.0.2.1:80", "127.0.0.1:80", "192.0.2.2:80"]
  pool     = "shop"
}

pool "shop" {
  member "web1" {}
}

server "web1" { address = "192.0.2.80:80" }
