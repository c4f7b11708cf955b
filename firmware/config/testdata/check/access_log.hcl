access_log {
  path = "log.txt"
  format = "xml"
  fields = ["Status", "status", "status"]
}
