node {
  peer "right" { address = "0.0.0.0:7460" }
  peer "third" { address = "10.255.0.3" }
}
