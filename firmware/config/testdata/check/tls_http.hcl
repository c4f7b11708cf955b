server "web1" { address = "192.0.2.11:80" }

pool "shop" {
  member "web1" {}
}

cluster "shop" {
  protocol = "http"
  listen   = ["192.0.2.1:443"]
  pool     = "shop"

  tls {
    strict_sni = true
  }
}
