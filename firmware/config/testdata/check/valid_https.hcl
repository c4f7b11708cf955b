server "web1" { address = "192.0.2.11:80" }

pool "shop" {
  member "web1" {}
}

certificate "shop" {}

trust "corp" {}

cluster "shop" {
  protocol = "https"
  listen   = ["192.0.2.1:443"]
  pool     = "shop"
  client_ip = true
  persist "cookie" {}

  tls {
    certificates = ["shop", "box"]
    client_auth  = "request"
    client_ca    = ["corp"]
  }
}
