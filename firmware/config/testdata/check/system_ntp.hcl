system {
  ntp = ["pool.ntp.org", "0.0.0.0", "time server", "[2001:db8::1]:0", "fe80::1%eth0", "224.0.1.1:123"]
}
