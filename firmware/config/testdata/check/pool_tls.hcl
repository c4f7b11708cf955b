server "web1" { address = "192.0.2.11:80" }

pool "shop" {
  tls {
    verify      = false
    ca          = ["corp"]
    certificate = "client"
    server_name = "*.example.com"
  }
  member "web1" {}
  probe "tcp" {
    tls    = false
    verify = true
  }
  probe "http" { server_name = "a.example.com" }
  probe "icmp" { tls = true }
}

pool "plain" {
  member "web1" {}
  probe "http" { server_name = "a.example.com" }
}

trust "corp" {}

cluster "mail" {
  protocol = "tcp"
  listen   = ["192.0.2.1:25"]
  pool     = "shop"
  sni "a.example.com" { pool = "plain" }
}
