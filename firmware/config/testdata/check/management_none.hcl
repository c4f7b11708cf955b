management {
  port    = "mgmt"
  address = ["192.0.2.10/24"]
}
