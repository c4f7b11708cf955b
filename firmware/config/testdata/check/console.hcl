console {
  listen          = ["127.0.0.1:9443", "127.0.0.1:9443-9450", "localhost:1", "192.0.2.1:80", "127.0.0.2:9443", "127.0.0.3:9443", "127.0.0.4:9443", "127.0.0.5:9443", "127.0.0.6:9443", "127.0.0.7:9443", "127.0.0.8:9443", "127.0.0.9:9443"]
  allow           = []
  allowed_origins = ["http://lb.example.com", "https://LB.example.com", "https://lb.example.com/", "https://lb.example.com:443", "https://[::1]:1", "https://[::1]", "https://lb.example.com:8443", "https://u@h", "null", "https://a:b:c", "https://h:0", "https://:1"]
  certificate     = "shop"
  idle_timeout    = "30s"
}
