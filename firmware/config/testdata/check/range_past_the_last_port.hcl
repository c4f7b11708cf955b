server "low" { address = "192.0.2.11:7000" }
server "high" { address = "192.0.2.12:65500" }
server "edge" { address = "192.0.2.13:65436" }

pool "rtp" {
  member "low" {}
  member "high" {}
  member "edge" {}
}

cluster "rtp" {
  protocol = "udp"
  listen = [
    "192.0.2.1:6000-6099",
    "192.0.2.2:6000",
  ]
  pool = "rtp"
}

cluster "tls" {
  protocol = "tcp"
  listen   = ["192.0.2.1:7000-7100"]
  sni "a.example.com" { pool = "rtp" }
}
