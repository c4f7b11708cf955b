server "web1" { address = "192.0.2.11:80" }
server "web2" { address = "192.0.2.12:80" }

pool "shop" {
  member "web1" {}
  member "web2" {}
}

cluster "mail" {
  protocol = "tcp"
  listen   = ["192.0.2.1:25"]
  pool     = "shop"
  client_ip = true
  underscore = "keep"
  rule "a" { when = any() }
  persist "cookie" {}
  responder = "x"
  timeouts { client_body = "1s" }
  limits { head = "1KiB" }
}
