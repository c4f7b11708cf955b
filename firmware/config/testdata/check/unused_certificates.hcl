server "web1" { address = "192.0.2.11:80" }

pool "shop" {
  member "web1" {}
}

certificate "box" {}

certificate "spare" {}

trust "corp" {}

acme "letsencrypt" { agree_tos = true }

cluster "shop" {
  protocol = "https"
  listen   = ["192.0.2.1:443"]
  pool     = "shop"

  tls {
  }
}
