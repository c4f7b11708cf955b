node {
  name   = "left"
  listen = "10.255.0.1:9443"
  peer "right" { address = "10.255.0.2:7460" }
}

console { listen = ["10.255.0.1:9443"] }

cluster "dns" {
  protocol = "udp"
  listen   = ["0.0.0.0:9443"]
  pool     = "shop"
}

pool "shop" {
  member "web1" {}
}

server "web1" { address = "192.0.2.80:80" }

