cluster "a" {
  protocol = "http"
  listen = ["192.0.2.1:80"]
}
cluster "b" {
  protocol = "tcp"
  listen = ["192.0.2.1:81"]
}
cluster "c" {
  protocol = "udp"
  listen = ["192.0.2.1:82"]
}
