management {
  port    = "mgmt"
  method  = "static"
  address = ["192.0.2.10/24"]
  gateway = ["192.0.2.1"]
}
port "lan1" {
  addresses = ["198.51.100.2/24"]
  vlan "100" { addresses = ["2001:db8::2/64"] }
}
port "lan2" { enabled = false }
route "nowhere" { to = ["10.0.0.0/8"] }
route "outside" {
  to  = ["10.1.0.0/16"]
  via = "10.9.9.9"
}
route "itself" {
  to  = ["10.2.0.0/16"]
  via = "198.51.100.2"
}
route "families" {
  to     = ["10.3.0.0/16", "2001:db8:3::/48"]
  via    = "2001:db8::1"
  source = "2001:db8::2"
}
route "off" {
  to   = ["10.4.0.0/16"]
  port = "lan2"
}
route "wrong" {
  to   = ["10.5.0.0/16"]
  via  = "198.51.100.1"
  port = "lan1.110"
}
route "undefined" {
  to   = ["10.5.0.0/16"]
  via  = "198.51.100.1"
  port = "dmz.7"
}
route "link_local" {
  to  = ["2001:db8:6::/48"]
  via = "fe80::1"
}
route "same" {
  to     = ["0.0.0.0/0"]
  via    = "192.0.2.2"
  metric = 20
}
route "twice" {
  to  = ["10.7.0.0/16"]
  via = "198.51.100.1"
}
route "thrice" {
  to  = ["10.7.0.0/16"]
  via = "198.51.100.3"
}
route "local" {
  to    = ["10.8.0.0/16"]
  via   = "198.51.100.1"
  table = 255
}
route "gateway" {
  to  = ["10.10.0.0/16"]
  via = "router"
}
route "elsewhere" {
  to   = ["10.11.0.0/16"]
  via  = "198.51.100.1"
  port = "lan1.100"
}
route "somebody_elses" {
  to   = ["10.12.0.0/16"]
  via  = "10.200.0.1"
  port = "lan9"
}
route_rule "all" { table = 100 }
route_rule "none" {
  from  = ["10.0.0.0/8"]
  to    = ["2001:db8::/32"]
  table = 254
}
route_rule "empty" {
  port  = "lan2"
  table = 77
}
nat "mixed" {
  from = ["10.0.0.0/8", "2001:db8::/32"]
  out  = "lan1"
  to   = "198.51.100.9"
}
nat "off" {
  from = ["10.0.0.0/8"]
  out  = "lan1.200"
  to   = "masquerading"
}
