node { name = "left" }

group "front" {
  homes = ["left"]

  router "lan" {
    port      = "lan1"
    vrid      = 10
    addresses = ["192.0.2.1/24", "2001:db8::1/64"]
  }

  router "same" {
    port      = "lan1"
    vrid      = 10
    addresses = ["192.0.2.2/24"]
  }

  router "six" {
    port      = "lan1"
    vrid      = 10
    version   = 2
    addresses = ["2001:db8::2/64", "fe80::1/64"]
    checksum  = "pseudo"
  }

  router "range" {
    port      = "lan1"
    vrid      = 256
    version   = 4
    addresses = ["192.0.2.9", "192.0.2.0/24", "224.0.0.1/24", "0.0.0.0/8"]
    mac       = "vitual"
    priority  = 256
  }

  router "bare" {}
}

group "back" {
  homes = ["left"]

  router "lan" {
    port      = "lan1"
    vrid      = 10
    addresses = ["192.0.2.1/25", "192.0.2.3/24"]
  }

  router "elsewhere" {
    port      = "lan2"
    vrid      = 10
    addresses = ["192.0.2.4/24", "192.0.2.4/25"]
    version   = 2
    checksum  = "pseudo"
    priority  = 120
  }
}
