console {
  listen = []
}
