server "web1" { address = "192.0.2.11:80" }

pool "shop" {
  member "web1" {}
}

certificate "a" { names = ["www.example.com"] }

certificate "b" { source = "acme" }

certificate "c" {
  source = "acme"
  acme   = "letsencript"
  names  = ["*.example.com", "192.0.2.1", "www example.com"]
}

certificate "d" { source = "file" }

acme "letsencrypt" {
  agree_tos = false
  directory = "http://example.com/"
  email     = ["nobody"]
  challenges = ["dns-01"]
}

acme "other" {}

cluster "shop" {
  protocol = "https"
  listen   = ["192.0.2.1:443"]
  pool     = "shop"

  tls {
    certificates = ["a", "b", "c", "d"]
  }
}
