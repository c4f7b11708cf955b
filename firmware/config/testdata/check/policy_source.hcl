server "web1" { address = "192.0.2.11:80" }
server "web2" { address = "192.0.2.12:80" }

pool "shop" {
  policy = "source_hash"
  member "web1" {}
  member "web2" {}
}

cluster "mail" {
  protocol = "tcp"
  listen   = ["192.0.2.1:25"]
  pool     = "shop"
  persist "source" {}
}
