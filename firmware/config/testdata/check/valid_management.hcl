system { host_name = "LB-1" }
management {
  method  = "dhcp"
  address = ["2001:db8::10/64"]
  gateway = ["fe80::1"]
  dns     = ["127.0.0.53", "2001:db8::53"]
}
