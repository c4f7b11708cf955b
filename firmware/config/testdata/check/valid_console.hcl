console {
  listen = ["192.0.2.1:9443"] # anyone
}
