server "web1" { address = "192.0.2.11:80" }
server "web2" { address = "192.0.2.12:80" }

pool "shop" {
  polcy = "adaptive"
  weight = 100
  listen = 3
  frobnicate = 1
  probe = "http"
  member "web1" { wieght = 3 }
  member "web2" {}
}

queue = 3
cluster "shop" {
  protocol = "http"
  listen   = ["192.0.2.1:80"]
  pool     = "shop"
  spoof = true
  compress = true
}
