server "web1" { address = "192.0.2.11:80" }
server "web2" { address = "192.0.2.12:80" }

pool "shop" {
  member "web1" {}
  probe "http" {
    path = "health"
    host = "a b"
    status = [200, 99, "x", 200]
    method = "HEAD"
    expect = "ok"
    expect_regex = "a(b"
    interval = "500ms"
    jitter = 51
  }
  probe "acv" { send = "hello" }
  probe "simple" {
    healthy = 5
    loaded = 5.0
    weight = 0
  }
  probe "tls" { server_name = "192.0.2.1" }
  member "web2" {}
}

cluster "shop" {
  protocol = "http"
  listen   = ["192.0.2.1:80"]
  pool     = "shop"
}
