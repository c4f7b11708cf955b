access_log {
  path = "/var/log/%{ if true }x%{ endif }"
}
