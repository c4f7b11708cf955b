server "web1" { address = "192.0.2.11:80" }

access_log {
  path   = "stderr"
  fields = []
}

pool "shop" {
  member "web1" {}
  probe "http" { status = [] }
}

cluster "shop" {
  protocol = "http"
  listen   = ["192.0.2.1:80"]
  pool     = "shop"
  trusted  = []
}
