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
  limits {
    head = "16"
    field = "16KB"
    uri = "1GiB"
    body = "1.5MiB"
    fields = "16KiB"
  }
}
