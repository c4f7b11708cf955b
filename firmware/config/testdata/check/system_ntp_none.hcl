system {
  ntp = ["pool.ntp.org", "none"]
}
