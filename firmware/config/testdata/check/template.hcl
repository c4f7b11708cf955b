access_log {
  path = "/var/log/${host}"
}
