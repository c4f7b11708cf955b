management {
  method = "dhcp"
  vlan   = 4095
}
