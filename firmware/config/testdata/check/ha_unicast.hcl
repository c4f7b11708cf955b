node { name = "left" }

group "front" {
  homes = ["left"]

  router "none" {
    port      = "lan1"
    vrid      = 1
    addresses = ["192.0.2.1/24"]
    unicast   = []
  }

  router "wrong" {
    port      = "lan1"
    vrid      = 2
    addresses = ["192.0.2.2/24"]
    unicast   = ["192.0.2.2", "2001:db8::1", "192.0.2.0/24"]
  }

  router "family" {
    port      = "lan1"
    vrid      = 3
    addresses = ["192.0.2.3/24"]
    unicast   = ["192.0.2.3", "2001:db8::1"]
  }

  router "many" {
    port      = "lan1"
    vrid      = 4
    addresses = ["192.0.2.4/24"]
    unicast   = ["192.0.2.11", "192.0.2.12", "192.0.2.13", "192.0.2.14", "192.0.2.15", "192.0.2.16", "192.0.2.17", "192.0.2.18", "192.0.2.19"]
  }
}
