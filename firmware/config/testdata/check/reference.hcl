pool "shop" {
  member "web1" {}
}

responder "sorry" {}

cluster "shop" {
  protocol = "http"
  listen   = ["192.0.2.1:80"]
  pool     = "shop"
  responder = "sory"
  rule "a" {
    when = any()
    pool = "shp"
    responder = "gone"
  }
}

cluster "tls" {
  protocol = "tcp"
  listen = ["192.0.2.1:443"]
  sni "a.example.com" { pool = "api" }
}
