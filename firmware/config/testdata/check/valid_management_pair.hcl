management {
  port    = "1"
  method  = "static"
  address = ["10.0.0.0/31", "10.0.1.7/32"]
  gateway = ["10.0.0.1"]
}
