server "s" { address = "192.0.2.9:80" }

pool "p" {
  protocol       = "h2c"
  proxy_protocol = "v1"
  proxy_tlvs     = ["cert_cn", "netns"]
  member "s" {}
}

cluster "a" {
  protocol        = "http"
  listen          = ["192.0.2.1:80"]
  pool            = "p"
  redirect_https  = 305
  proxy_protocol  = "require"
  hsts            = "1d"
  request_headers = ["put X a", "set", "set X", "remove X a", "set X-Ok $client_ip"]

  compress { codings = ["deflate"] }
  rewrite { prefix = "/a" }
}

cluster "b" {
  protocol        = "https"
  listen          = ["192.0.2.1:443"]
  pool            = "p"
  proxy_from      = ["10.0.0.0/8"]
  hsts_preload    = true
  redirect_https  = 301
}

cluster "c" {
  protocol       = "udp"
  listen         = ["192.0.2.1:53"]
  pool           = "p"
  proxy_protocol = "require"
  compress {}
}

cluster "d" {
  protocol            = "http"
  listen              = ["192.0.2.1:81"]
  pool                = "p"
  redirect_https_port = 8443
}

pool "q" {
  proxy_protocol = "v1"
  proxy_tlvs     = ["cert_cn"]
  member "s" {}
}
