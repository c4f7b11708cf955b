responder "sorry" { body = "closed" }

cluster "a" {
  protocol = "http"
  listen = ["192.0.2.1:80"]
  responder = "sorry"
}
