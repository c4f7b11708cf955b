system { ntp = ["pool.ntp.org", "192.0.2.123:1123", "2001:db8::123", "[2001:db8::123]:123"] }
management {
  vlan   = 4094
  method = "dhcp"
}
