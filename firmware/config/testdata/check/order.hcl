metrics { listen = "192.0.2.1:9100" }
server "web1" { address = "a" }
server "web2" { address = "192.0.2.12:80" }

pool "shop" {
  member "web1" {}
  member "web3" {}
}

cluster "shop" {
  protocol = "http"
  listen   = ["192.0.2.1:80"]
  pool = "x"
  queue = 5
}
