server "web1" { address = "192.0.2.11:80" }

pool "shop" {
  member "web1" {}
}

cluster "shop" {
  protocol = "https"
  listen   = ["192.0.2.1:443"]
  pool     = "shop"

  tls {
    min_version = "1.1"
    ciphers     = ["AES"]
  }
}
cluster "shop2" {
  protocol = "https"
  listen   = ["192.0.2.2:443"]
  pool     = "shop"

  tls {
    profile     = "custom"
    min_version = "1.3"
    max_version = "1.2"
    curves      = ["P 256"]
  }
}
