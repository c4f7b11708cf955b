# Every keyword of the language, each with a value that is not its default.

engine {
  loops           = 2
  max_connections = 5000
  drain_timeout   = "1m"
}

metrics {
  listen = "192.0.2.10:9101"
  token  = "correct-horse-battery"
}

console {
  listen          = ["127.0.0.1:9443", "[::1]:8443"]
  allow           = ["127.0.0.0/8", "::1"]
  allowed_origins = ["https://lb.example.com"]
  trusted_proxies = ["127.0.0.1"]
  certificate     = "shop"
  idle_timeout    = "10m"
}

system {
  host_name = "lb1.example.com"
  time_zone = "Europe/Berlin"
  ntp       = ["time.example.com", "192.0.2.123"]
}

management {
  port    = "mgmt"
  vlan    = 100
  method  = "static"
  address = ["192.0.2.10/24", "2001:db8::10/64"]
  gateway = ["192.0.2.1", "fe80::1"]
  dns     = ["192.0.2.53"]
}

panel {
  mode      = "read-only"
  pin       = "274913"
  language  = "zh-Hans"
  rotate    = "4s"
  backlight = 60
  contrast  = 45
  idle      = "2m"
}

serial {
  password_reset    = "refused"
  maintenance_shell = true
  idle              = "5m"
}

upgrade {
  soak  = "2m"
  limit = "20m"
}

node {
  name   = "left"
  listen = "192.0.2.10:7460"

  peer "right" { address = "192.0.2.11:7460" }
}

group "front" {
  description   = "what clients connect to"
  homes         = ["left", "right"]
  interval      = "2s"
  preempt       = false
  preempt_delay = "1m"
  start_delay   = "20s"
  accept        = false
  on_split      = "takeover"
  engine_hold   = "3s"
  handoff       = "1m"

  announce {
    repeat  = 3
    delay   = "1s"
    refresh = "1m"
  }

  router "old" {
    port      = "lan1"
    vrid      = 10
    version   = 2
    addresses = ["192.0.2.1/24"]
    mac       = "port"
    unicast   = ["192.0.2.12", "192.0.2.13"]
  }

  router "six" {
    port      = "lan1"
    vrid      = 10
    addresses = ["fe80::1/64", "2001:db8::1/64"]
  }

  router "pseudo" {
    port      = "lan2"
    vrid      = 20
    addresses = ["198.51.100.1/24"]
    checksum  = "pseudo"
    priority  = 255
  }

  track "port" "lan2" { weight = 0 }
  track "default_route" "v4" { weight = 100 }

  track "pool" "shop" {
    at_least = 2
    weight   = 70
  }

  track "custom" "upstream" { ttl = "1m" }
}

access_log {
  path   = "/var/log/evener/access.log"
  format = "combined"
  fields = ["time", "status"]
}

acme "letsencrypt" {
  description = "our CA"
  directory   = "https://acme.example.com/dir"
  agree_tos   = true
  email       = ["hostmaster@example.com"]
  challenges  = ["tls-alpn-01"]
  eab_key_id  = "kid-1"
  ca          = ["corp"]
}

trust "corp" { description = "the company's CA" }

certificate "shop" { description = "from the CA of our choice" }

certificate "www" {
  source = "acme"
  names  = ["www.example.com", "example.com"]
  acme   = "letsencrypt"
}

certificate "inside" {
  source = "self_signed"
  names  = ["*.inside.example.com", "192.0.2.1"]
}

server "web1" {
  labels = { team = "shop", rack = "4" }
  description = "front rack"
  address     = "192.0.2.11:80"
}

server "web2" { address = "[2001:db8::12]:80" }

pool "shop" {
  labels = { team = "shop" }
  description    = "the shop"
  policy         = "custom"
  responsiveness = "fast"
  slow_start     = "30s"
  queue          = 16
  protocol       = "h2c"
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

  probe "grpc" {
    service = "shop.v1.Cart"
    host    = "cart.example.com"
  }

  probe "agent" { port = 0 }
  probe "icmp" {}
}

pool "secure" {
  proxy_protocol = "v2"
  proxy_tlvs     = ["authority", "ssl", "cert_cn", "alpn", "unique_id", "crc32c"]

  tls {
    verify      = false
    server_name = "web.example.com"
    certificate = "inside"
    min_version = "1.3"
  }

  member "web1" {}
  probe "tcp" { tls = false }
}

pool "checked" {
  tls { ca = ["corp"] }
  member "web1" {}

  probe "http" {
    server_name = "health.example.com"
    verify      = false
  }
}

cluster "shop" {
  labels = { team = "shop" }
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
  h2c = true
  merge_slashes        = true
  reject_encoded_slash = true
  reject_get_body      = true
  underscore           = "reject"
  via                  = false
  request_id           = false
  trusted              = ["10.0.0.0/8", "2001:db8::1"]
  forwarded            = true
  redirect_https       = 308
  redirect_https_port  = 8443
  proxy_protocol       = "require"
  proxy_from           = ["10.0.0.0/8"]
  request_headers      = ["set X-Client $client_ip", "remove X-Internal-*"]
  answer_headers       = ["add X-Served-By $member of $pool"]

  rewrite {
    prefix      = "/api"
    to          = "/v2"
    ignore_case = true
  }

  compress {
    codings  = ["gzip", "br"]
    types    = ["text/html", "*+json"]
    min_size = "256B"

    gzip_level   = 6
    brotli_level = 5
    zstd_level   = 2
    disabled     = true
  }

  persist "cookie" {
    scheme     = "2"
    age        = "8h"
    path       = "/shop"
    domain     = "example.com"
    generation = 7
    always     = true
    secure     = true
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
    request_headers = ["append X-Rule $rule"]
    answer_headers  = ["remove Server"]

    rewrite {
      regex = "^/old/([0-9]+)"
      to    = "/item/$1?old=1"
      query = true
    }

    persist "cookie" { name = "API" }
  }

  test "api" {
    description = "the partner calls this"
    request     = "GET http://www.example.com/api"
    headers     = { User-Agent = "curl/8" }
    client_ip   = "192.0.2.7"

    expect {
      rule      = "api"
      pool      = "shop"
      responder = ""
      status    = 404
    }
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

cluster "safe" {
  protocol          = "https"
  listen            = ["192.0.2.2:443"]
  pool              = "secure"
  no_header_rewrite = true
  hsts              = "365d"
  hsts_subdomains   = true
  hsts_preload      = true

  rule "checked" {
    when = tls_version("1.3")
    pool = "checked"
  }

  tls {
    certificates    = ["shop", "www"]
    strict_sni      = true
    profile         = "custom"
    min_version     = "1.2"
    max_version     = "1.3"
    ciphers         = ["ECDHE-ECDSA-AES128-GCM-SHA256"]
    curves          = ["X25519", "P-256"]
    http2           = false
    session_tickets = false

    verified_header    = "X-Client-Verify"
    subject_header     = "X-Client-Subject"
    fingerprint_header = "X-Client-Fingerprint"
    certificate_header = "X-Client-Cert"

    client_auth     = "require"
    client_ca       = ["corp"]
    client_depth    = 3
    crl             = ["corp"]
    expired_crl     = "ignore"
  }

  timeouts { handshake = "3s" }
}

port "lan1" {
  description = "the clients' side"
  enabled     = false
  mtu         = 9000
  addresses   = ["203.0.113.2/24"]

  vlan "100" {
    description = "the shop"
    enabled     = false
    mtu         = 1400
    addresses   = ["198.51.100.2/25", "2001:db8:64::2/64"]
  }
}

bond "bond0" {
  description = "to both switches"
  ports       = ["lan2", "lan3"]
  mode        = "active_backup"
  monitor     = "50ms"
  enabled     = false
  mtu         = 9000
  addresses   = ["10.9.0.2/24"]
}

bond "bond1" {
  ports     = ["lan4"]
  hash      = "layer2"
  rate      = "fast"
  addresses = ["10.8.0.2/24"]

  vlan "7" { addresses = ["10.7.0.2/24"] }
}

route "branch" {
  description = "by the leased line"
  to          = ["10.20.0.0/16"]
  via         = "10.66.0.1"
  port        = "bond1"
  on_link     = true
  metric      = 50
  table       = 100
  source      = "10.8.0.2"
}

route_rule "branch" {
  description = "what comes from the branch goes back there"
  from        = ["10.8.0.0/24"]
  to          = ["10.20.0.0/16"]
  port        = "bond1.7"
  table       = 100
  priority    = 500
}

nat "out" {
  description = "servers to the world"
  from        = ["10.8.0.0/24"]
  out         = "bond1"
  to          = "10.8.0.2"
}

forwarding {
  ipv4 = true
  ipv6 = true
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

syslog "siem" {
  description = "the company's log server"
  address     = "log.example.com:6514"
  transport   = "tls"
  ca          = ["corp"]
  facility    = "local4"
  send        = ["events", "audit"]
}

mail "ops" {
  description     = "those on call"
  server          = "mail.example.com:465"
  from            = "box@example.com"
  to              = ["ops@example.com", "night@example.com"]
  security        = "tls"
  ca              = ["corp"]
  user            = "box"
  password_secret = "mail-box"
}

alert "shop" {
  description = "what the shop's people must know"
  objects     = ["pool/shop", "certificate/*"]
  kinds       = ["member.*", "pool.down"]
  severity    = "error"
  to          = ["siem", "ops"]
}
