server "web1" { address = "192.0.2.11:80" }
server "web2" { address = "192.0.2.12:80" }

pool "shop" {
  member "web1" {}
  member "web2" {}
}

cluster "tls" {
  protocol = "tcp"
  listen = ["192.0.2.1:443"]
  sni "*.Example.com" { pool = "shop" }
  sni "a.*" { pool = "shop" }
  sni "a.example.com" { pool = "shop" }
  sni "a.example.com" { pool = "shop" }
}
