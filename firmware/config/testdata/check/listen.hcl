server "web1" { address = "192.0.2.11:80" }
server "web2" { address = "192.0.2.12:80" }

pool "shop" {
  member "web1" {}
  member "web2" {}
}

cluster "shop" {
  protocol = "tcp"
  listen = ["www:80", "192.0.2.1:100-50", "192.0.2.1:1-", "[2001:db8::1]:8000-8100", "192.0.2.9:0"]
  pool = "shop"
}
cluster "b" {
  protocol = "http"
  listen = []
  pool = "shop"
}
