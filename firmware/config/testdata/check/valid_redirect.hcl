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
  responder = "moved"
}

responder "moved" {
  redirect = "https://$host/new/$1$query"
  match    = "^http://[^/]*/old/(.*)$"
}
