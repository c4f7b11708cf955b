server "web1" { address = "192.0.2.11:80" }

pool "shop" {
  member "web1" {}
}

cluster "plain" {
  protocol     = "tcp"
  listen       = ["192.0.2.1:25"]
  pool         = "shop"
  abort_server = true
  timeouts {
    client_head = "1s"
    queue       = "1s"
  }
}

cluster "names" {
  protocol = "tcp"
  listen   = ["192.0.2.1:443"]
  sni "a.example.com" { pool = "shop" }
  timeouts { client_head = "1s" }
}
