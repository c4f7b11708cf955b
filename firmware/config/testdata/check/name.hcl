server "a b" { address = "192.0.2.1:80" }
server "-x" { address = "192.0.2.2:80" }
server "" { address = "192.0.2.3:80" }
server "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" { address = "192.0.2.4:80" }
