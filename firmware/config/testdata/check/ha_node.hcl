node {
  name   = "left"
  listen = "10.255.0.1:7460"
  peer "left" { address = "10.255.0.2:7460" }
  peer "right" { address = "10.255.0.2:7460" }
  peer "third" { address = "10.255.0.1:7460" }
  peer "fourth" { address = "[2001:db8::4]:7460" }
  peer "fourth" { adress = "10.255.0.5:7460" }
}
