server "web1" { address = "192.0.2.11:80" }

pool "shop" {
  member "web1" {}
}

acme "letsencrypt" { agree_tos = true }

acme "ports" {
  agree_tos  = true
  challenges = ["http-01"]
}

certificate "a" {
  source = "acme"
  acme   = "letsencrypt"
  names  = ["a.example.com"]
}

certificate "b" {
  source = "acme"
  acme   = "ports"
  names  = ["b.example.com"]
}

cluster "shop" {
  protocol = "https"
  listen   = ["192.0.2.1:8443"]
  pool     = "shop"

  tls {
    certificates = ["a", "b"]
  }
}
