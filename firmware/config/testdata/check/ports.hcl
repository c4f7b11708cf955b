management {
  port    = "mgmt"
  method  = "static"
  address = ["192.0.2.10/24"]
  gateway = ["192.0.2.1"]
}
port "lan1" {
  addresses = ["198.51.100.2/24", "192.0.2.10/24", "203.0.113.9/24"]
  vlan "0100" {}
  vlan "100" { addresses = ["198.51.100.200/25"] }
  vlan "5000" {}
  vlan "200" { mtu = 9000 }
}
port "lan2" { addresses = ["10.1.0.1/24"] }
port "lan3" {
  mtu = 9000
  vlan "7" { mtu = 9001 }
}
port "lan1.100" {}
port "mgmt" { enabled = false }
bond "bond0" { ports = ["lan2", "lan2", "mgmt", "lan1.100"] }
bond "bond1" { ports = ["bond0", "lan2"] }
bond "bond2" { ports = [] }
bond "an-interface-name-too-long" { ports = ["lan9"] }
bond "bond3" {
  ports = ["lan8"]
  mode  = "active_backup"
  hash  = "layer2"
  mtu   = 100
}
group "web" {
  homes = ["left"]
  router "in" {
    port      = "lan1"
    vrid      = 9
    addresses = ["203.0.113.9/24"]
  }
  router "vlan" {
    port      = "lan1.101"
    vrid      = 10
    addresses = ["203.0.113.10/24"]
  }
  router "bonded" {
    port      = "lan2"
    vrid      = 10
    addresses = ["203.0.113.11/24"]
  }
}
node { name = "left" }
