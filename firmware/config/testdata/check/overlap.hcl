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
}
cluster "b" {
  protocol = "http"
  listen   = ["192.0.2.1:80"]
  pool     = "shop"
}
cluster "mail" {
  protocol = "tcp"
  listen   = ["192.0.2.1:25"]
  pool     = "shop"
}

cluster "wild" {
  protocol = "tcp"
  listen   = ["0.0.0.0:25", "0.0.0.0:8000-9000", "[::]:8000-9000", "192.0.2.7:9001"]
  pool     = "shop"
}

cluster "ports" {
  protocol = "tcp"
  listen   = ["192.0.2.1:7000-8000", "192.0.2.1:7500", "192.0.2.2:7500"]
  pool     = "shop"
}

cluster "dns" {
  protocol = "udp"
  listen   = ["192.0.2.1:80", "[::]:53", "[2001:db8::1]:53", "0.0.0.0:53"]
  pool     = "shop"
}

cluster "resting" {
  protocol = "http"
  listen   = ["192.0.2.1:80"]
  pool     = "shop"
  disabled = true
}
