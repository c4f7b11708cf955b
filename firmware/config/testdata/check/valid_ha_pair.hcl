# The left box of a pair. The right one has the same text but for the blocks that
# are marked: those are each box's own and are not mirrored.

# Own: who this box is, and where its peer is. A cable of their own between the
# boxes is best.
node {
  name   = "left"
  listen = "10.255.0.1:7460"

  peer "right" { address = "10.255.0.2:7460" }
}

# Own: how this box is administered.
management {
  port    = "mgmt"
  method  = "static"
  address = ["203.0.113.11/24"]
  gateway = ["203.0.113.1"]
}

console {
  listen = ["203.0.113.11:9443"]
  allow  = ["203.0.113.0/24"]
}

# The addresses that clients know. They are on one box at a time.
group "front" {
  description = "the shop, as clients see it"
  homes       = ["left", "right"]
  interval    = "100ms"

  # a box that comes back waits until its probes have seen the servers
  preempt_delay = "1m"

  router "lan" {
    port      = "lan1"
    vrid      = 10
    addresses = ["192.0.2.10/24"]
  }

  # the link-local address that IPv6 needs first is made from the vrid
  router "lan6" {
    port      = "lan1"
    vrid      = 10
    addresses = ["2001:db8::10/64"]
  }

  # without the way to the servers a box is of little use
  track "port" "lan2" {}

  track "pool" "shop" {
    weight   = 55
    at_least = 1
  }
}

# A cluster follows the group that has its addresses.
cluster "shop" {
  protocol = "http"
  listen   = ["192.0.2.10:80", "[2001:db8::10]:80"]
  pool     = "shop"

  persist "cookie" {}
}

pool "shop" {
  member "web1" {}
  member "web2" {}

  probe "http" {
    interval = "5s"
    path     = "/health"
  }
}

server "web1" { address = "198.51.100.11:8080" }
server "web2" { address = "198.51.100.12:8080" }
