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
  rule "off" {
    when     = any()
    disabled = true
  }

  rule "all" { when = (any()) }
  rule "all_again" { when = any() }
  rule "late" { when = path_prefix("/a/") }
  rule "later" {
    when     = any()
    disabled = true
  }
}
