engine {
  loops = 1.5
  max_connections = "100"
}

pool "p" {
  queue = 1e400
  idle = null
}
