server "web1" { address = "192.0.2.11:80" }
server "web2" { address = "192.0.2.12:80" }

pool "shop" {
  member "web1" {}
  member "web2" {}
}

cluster "shop" {
  protocol = "http"
  listen   = ["192.0.2.1:80"]
  pool     = "shop"
  timeouts {
    connect = 5
    queue = "5"
    client_head = "0s"
    client_idle = "2d"
    client_body = "1.5s"
    server_head = "30s1m"
    tunnel = "-1h"
    server_body = "99999999999999d"
    client_send = ""
  }
}
