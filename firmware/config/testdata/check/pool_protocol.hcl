server "web1" { address = "127.0.0.1:80" }

pool "one" {
  protocol = "h2"
  member "web1" {}
}

pool "two" {
  protocol = "h2c"
  member "web1" {}
  tls {}
}

pool "three" {
  protocol = "spdy"
  member "web1" {}
}

cluster "stream" {
  protocol = "tcp"
  listen   = ["127.0.0.1:8080"]
  pool     = "one"
  h2c      = true
}
