console {
  listen = ["192.0.2.1:80", "[::]:443"]
}

metrics {
  listen = "127.0.0.1:443"
}

server "web1" { address = "192.0.2.11:80" }

pool "shop" {
  member "web1" {}
}

cluster "shop" {
  protocol = "http"
  listen   = ["0.0.0.0:80", "[2001:db8::1]:443"]
  pool     = "shop"
}

cluster "udp" {
  protocol = "udp"
  listen   = ["192.0.2.1:80"]
  pool     = "shop"
}
