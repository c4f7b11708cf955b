server "web1" { address = "192.0.2.11:80" }
server "web2" { address = "192.0.2.12:80" }

pool "shop" {
  member "web1" {}
  member "web2" {}
}

cluster "shop" {
  protocol = "http"
  listen   = ["192.0.2.1:80"]
  pool     = "shop"
  persist "cookie" { path = "/shop" }

  rule "inside" { when = path_prefix("/shop/x") }
  rule "wider" { when = path_prefix("/sh") }
  rule "outside" { when = host("a.example.com") && (path_prefix("/api/") && method("GET")) }
  rule "sibling" { when = pathname("/shopping") }
  rule "unclear" { when = path_prefix("/api/") || path_prefix("/shop/") }

  rule "own" {
    when = path_prefix("/own/")
    persist "cookie" { path = "/other" }
  }

  rule "none" {
    when = path_prefix("/none/")
    persist "none" {}
  }
}
