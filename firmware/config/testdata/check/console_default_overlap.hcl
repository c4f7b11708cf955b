server "web1" { address = "192.0.2.11:80" }

pool "shop" {
  member "web1" {}
}

cluster "shop" {
  protocol = "http"
  listen   = ["0.0.0.0:9443"]
  pool     = "shop"
}
