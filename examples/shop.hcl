# The shop: what `make run` starts on the simulated board.
#
# A cluster is the address that clients connect to. It sends each request to a
# member of a pool, unless a rule sends it elsewhere. Everything that is not
# written here has its default; `evener config show --defaults` prints all.

# Where the statistics are served: http://127.0.0.1:9100/metrics. Outside
# loopback a token would be needed.
metrics { listen = "127.0.0.1:9100" }

# Three servers. The simulator starts them; make one slow, broken or dead and
# watch what happens.
server "web1" { address = "127.0.0.1:18081" }
server "web2" { address = "127.0.0.1:18082" }
server "web3" { address = "127.0.0.1:18083" }

# The shop's pages come from all three.
pool "shop" {
  description = "pages of the shop"
  policy      = "adaptive" # who answers quickly gets more
  slow_start  = "10s"      # who comes back is not overrun

  member "web1" {}
  member "web2" {}
  member "web3" { weight = 50 } # an older machine

  # Each member is asked for /health every two seconds; the answer must contain
  # "ok". Three bad answers in a row take a member out, two good ones bring it
  # back.
  probe "http" {
    path     = "/health"
    expect   = "ok"
    interval = "2s"
  }
}

# The interface for programs runs on two of them.
pool "api" {
  description = "interface for programs"
  policy      = "least_connections"

  member "web2" {}
  member "web3" {}

  probe "http" {
    path     = "/health"
    expect   = "ok"
    interval = "2s"
  }
}

cluster "shop" {
  description = "www.example.com"
  protocol    = "http"
  listen      = ["127.0.0.1:8080"]
  pool        = "shop"
  responder   = "sorry" # when no member is up
  client_ip   = true    # servers see who asks, in X-Forwarded-For

  # A client stays on its member for a working day. The cookie holds an opaque
  # token, no address.
  persist "cookie" { age = "8h" }

  # The first rule that is true wins. Try them:
  #   evener explain --cluster shop GET http://api.example.com/v1/orders
  rule "deny" {
    description = "a network that we do not serve"
    when        = client_ip("198.51.100.0/24")
    responder   = "denied"
  }

  rule "api" {
    when = host("api.example.com") && path_prefix("/v1/")
    pool = "api"

    persist "none" {} # programs do not keep cookies
  }

  rule "old" {
    description = "the shop has moved from /old/ to /"
    when        = path_prefix("/old/")
    responder   = "moved"
  }
}

# The same shop behind TLS, for browsers and curl -k: without a certificate of
# ours the box shows one that it has signed itself. Import one, name it in a block
# certificate and here: see docs/manual/tls.md.
cluster "shop-tls" {
  description = "www.example.com"
  protocol    = "https"
  listen      = ["127.0.0.1:18443"]
  pool        = "shop"
  responder   = "sorry"
  client_ip   = true

  persist "cookie" { age = "8h" }

  tls { profile = "intermediate" } # TLS 1.2 and 1.3
}

# A spare answer for when every server of the shop is down.
responder "sorry" {
  status = 503
  body   = "<!doctype html><title>Closed</title><h1>The shop is closed for a moment</h1>\n"
}

responder "denied" {
  status       = 403
  content_type = "text/plain; charset=utf-8"
  body         = "not for you\n"
}

# /old/tea?size=2 becomes /tea?size=2. The expression sees the whole URL, such as
# http://www.example.com/old/tea?size=2.
responder "moved" {
  status   = 301
  match    = "(?i)^http://[^/]*/old/(.*)$"
  redirect = "/$1"
}
