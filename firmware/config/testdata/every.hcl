# Every keyword of the language, each with a value that is not its default.

engine {
  loops           = 2
  max_connections = 5000
  drain_timeout   = "1m"
}

metrics {
  listen = "192.0.2.1:9101"
  token  = "correct-horse-battery"
}

access_log {
  path   = "/var/log/evener/access.log"
  format = "combined"
  fields = ["time", "status"]
}

server "web1" {
  description = "front rack"
  address     = "192.0.2.11:80"
}

server "web2" { address = "[2001:db8::12]:80" }

pool "shop" {
  description    = "the shop"
  policy         = "custom"
  responsiveness = "fast"
  slow_start     = "30s"
  queue          = 16
  idle           = 8

  custom {
    delay       = 60
    connections = 30
    agent       = 10
  }

  member "web1" {
    weight          = 150
    max_connections = 500
    hot_spare       = true
    dont_persist    = true
    dont_probe      = true
    tcp_mux         = false
    probe_port      = 8081
  }

  member "web2" {}

  probe "http" {
    interval        = "5s"
    jitter          = 20
    timeout         = "4s"
    connect_timeout = "500ms"
    data_timeout    = "3s"
    rise            = 1
    fall            = 5
    tries           = 2
    port            = 8080
    method          = "POST"
    path            = "/health?deep=1"
    host            = "shop.example.com"
    status          = [200, 204]
    expect          = "ok\r\n"
    expect_regex    = "^o\\w$"
    within          = 64
  }

  probe "acv" {
    send   = "PING\r\n"
    expect = "+PONG"
  }

  probe "tls" {
    server_name = "shop.example.com"
    verify      = false
  }

  probe "simple" {
    healthy          = 1.5
    loaded           = -2
    weight           = 50
    require_response = true
  }

  probe "agent" { port = 0 }
  probe "icmp" {}
}

cluster "shop" {
  description          = "www.example.com"
  protocol             = "http"
  listen               = ["192.0.2.1:80", "[2001:db8::1]:80"]
  pool                 = "shop"
  responder            = "sorry"
  disabled             = true
  retries              = 0
  abort_server         = true
  once_only            = true
  ignore_case          = false
  client_ip            = true
  tcp_mux              = false
  allow_extended_chars = true
  allow_trace          = true
  upgrade              = false
  merge_slashes        = true
  reject_encoded_slash = true
  reject_get_body      = true
  underscore           = "reject"
  via                  = false
  request_id           = false
  trusted              = ["10.0.0.0/8", "2001:db8::1"]

  persist "cookie" {
    scheme     = "2"
    age        = "8h"
    path       = "/shop"
    domain     = "example.com"
    generation = 7
    always     = true
  }

  persist "source" {
    timeout       = "1h30m"
    netmask4      = 24
    netmask6      = 64
    inter_cluster = true
  }

  rule "api" {
    description  = "the interface"
    when         = (host("api.example.com") && # the name
    !method("TRACE"))
    pool         = "shop"
    responder    = "moved"
    policy       = "least_connections"
    disabled     = true
    abort_server = false
    once_only    = false
    ignore_case  = true
    client_ip    = false
    tcp_mux      = true

    persist "cookie" { name = "API" }
  }

  rule "plain" {
    when = path_prefix("/plain/")
    persist "none" {}
  }

  timeouts {
    client_head = "1s"
    client_body = "2s"
    client_idle = "3s"
    client_send = "4s"
    queue       = "6s"
    connect     = "7s"
    server_head = "8s"
    server_body = "9s"
    tunnel      = "1d"
  }

  limits {
    head        = "32KiB"
    fields      = 50
    field       = "1KiB"
    uri         = "2KiB"
    body        = "10MiB"
    requests    = 1000
    connections = 10000
  }
}

cluster "tls" {
  protocol = "tcp"
  listen   = ["192.0.2.1:443", "192.0.2.1:8000-8010"]

  sni "*.example.com" { pool = "shop" }
}

cluster "dns" {
  protocol = "udp"
  listen   = ["192.0.2.1:53"]
  pool     = "shop"
}

responder "sorry" {
  description  = "closed"
  status       = 500
  body         = "<h1>Closed \"today\"</h1>\n$${x}"
  content_type = "text/plain"
}

responder "page" { file = "/etc/evener/page.html" }

responder "moved" {
  status   = 308
  redirect = "https://$host/new/$1"
  match    = "^http://[^/]*/old/(.*)$"
}
