server "web1" { address = "192.0.2.11:80" }
server "web2" { address = "192.0.2.12:80" }

pool "shop" {
  member "web1" {}
  probe "icmp" { port = 80 }
  probe "tcp" { data_timeout = "1s" }
  probe "tls" { path = "/" }
  probe "http" { send = "x" }
  probe "acv" {
    expect = "x"
    status = [200]
  }
  probe "agent" { expect = "x" }
  probe "simple" { verify = true }
  probe "ftp" {}
  member "web2" {}
}

cluster "shop" {
  protocol = "http"
  listen   = ["192.0.2.1:80"]
  pool     = "shop"
}
