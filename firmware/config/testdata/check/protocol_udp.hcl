server "web1" { address = "192.0.2.11:80" }
server "web2" { address = "192.0.2.12:80" }

pool "shop" {
  member "web1" {}
  member "web2" {}
}

cluster "mail" {
  protocol = "udp"
  listen   = ["192.0.2.1:25"]
  pool     = "shop"
  retries = 1
  sni "a.example.com" { pool = "shop" }
  abort_server = true
  timeouts {
    connect = "1s"
    queue   = "1s"
  }
}
