server "web1" { address = "192.0.2.11:80" }

pool "shop" {
  member "web1" {}
}

cluster "shop" {
  protocol = "https"
  listen   = ["192.0.2.1:443-445"]
  pool     = "shop"

  tls {
  }
}
