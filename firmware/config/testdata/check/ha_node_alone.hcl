node {
  name   = "left"
  listen = "10.255.0.1:7460"
}
