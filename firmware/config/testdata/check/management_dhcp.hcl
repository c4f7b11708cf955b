management {
  method  = "dhcp"
  address = ["192.0.2.10/24"]
  gateway = ["192.0.2.1"]
}
