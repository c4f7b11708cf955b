serial {
  password_reset    = "no"
  maintenance_shell = "yes"
  idle              = "10s"
}
serial {}
