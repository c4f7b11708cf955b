node { name = "left" }

group "front" {
  homes = ["left"]

  router "lan" {
    port      = "lan1"
    vrid      = 1
    addresses = ["192.0.2.1/24"]
  }
}

group "try" {
  homes = ["left"]

  router "lo" {
    port      = "lo"
    vrid      = 2
    addresses = ["127.0.0.2/8"]
  }
}

cluster "all" {
  protocol = "http"
  listen   = ["0.0.0.0:80"]
  pool     = "shop"
}

cluster "try" {
  protocol = "http"
  listen   = ["127.0.0.2:8080"]
  pool     = "shop"
}

pool "shop" {
  member "web1" {}
}

server "web1" { address = "192.0.2.80:80" }
