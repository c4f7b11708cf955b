server "web1" { address = "192.0.2.11:80" }

pool "shop" {
  member "web1" {}
}

trust "corp" {}

cluster "shop" {
  protocol = "https"
  listen   = ["192.0.2.1:443"]
  pool     = "shop"

  tls {
    client_ca = ["corp"]
    crl       = ["corp"]
    subject_header = "X-Subject"
  }
}
cluster "shop2" {
  protocol = "https"
  listen   = ["192.0.2.2:443"]
  pool     = "shop"

  tls {
    client_auth = "require"
  }
}

cluster "shop3" {
  protocol = "https"
  listen   = ["192.0.2.3:443"]
  pool     = "shop"

  tls {
    client_auth        = "request"
    client_ca          = ["corp"]
    verified_header    = "X-Client"
    subject_header     = "x-client"
    fingerprint_header = "Host"
    certificate_header = "X Client"
  }
}
