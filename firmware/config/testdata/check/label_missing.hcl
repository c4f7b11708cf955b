server { address = "192.0.2.1:80" }
engine "x" {}
server "a" "b" { address = "192.0.2.1:80" }
