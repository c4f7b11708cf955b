node { name = "left" }

management {
  port    = "mgmt"
  method  = "static"
  address = ["192.0.2.10/24"]
}

group "stolen" {
  homes = ["left"]

  router "lan" {
    port      = "mgmt"
    vrid      = 1
    addresses = ["192.0.2.10/24"]
  }
}

group "not-first" {
  homes = ["right", "left"]

  router "lan" {
    port      = "mgmt"
    vrid      = 2
    addresses = ["192.0.2.10/24"]
    priority  = 255
  }
}

group "not-own" {
  homes   = ["left"]
  preempt = false

  router "lan" {
    port      = "mgmt"
    vrid      = 3
    addresses = ["192.0.2.11/24"]
    priority  = 255
  }
}
