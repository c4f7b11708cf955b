management {
  method  = "static"
  address = ["192.0.2.10/24", "2001:db8::10/64"]
  gateway = ["192.0.2.255", "fe80::1", "2001:db8::1"]
}
