responder "sorry" {}

cluster "a" {
  protocol = "http"
  listen = ["192.0.2.1:80"]
  responder = "sorry"
  rule "r" {
    when = any()
    policy = "adaptive"
  }
}
