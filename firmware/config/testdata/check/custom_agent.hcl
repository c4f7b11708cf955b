server "web1" { address = "192.0.2.11:80" }
server "web2" { address = "192.0.2.12:80" }

pool "shop" {
  policy = "custom"
  member "web1" {}
  custom {
    delay = 5
    agent = 101
  }
  member "web2" {}
}

cluster "shop" {
  protocol = "http"
  listen   = ["192.0.2.1:80"]
  pool     = "shop"
  rule "a" {
    when = any()
    policy = "server_agent"
  }
}
