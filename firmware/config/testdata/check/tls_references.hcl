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

  tls {
    certificates = ["shp", "nowhere", "shop", "shop"]
    client_auth  = "request"
    client_ca    = ["corpp"]
    crl          = ["none"]
  }
}
