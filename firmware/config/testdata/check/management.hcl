system {
  host_name = "lb_1"
  time_zone = "Europe/Berlim"
}
management {
  port    = "mgmt port"
  method  = "static"
  address = ["192.0.2.0/24", "192.0.2.255/24", "192.0.2.10", "192.0.2.10/24", "192.0.2.10/25", "127.0.0.1/8", "10.0.0.1/0", "2001:db8::/64"]
}
