# Clusters that pass bytes on without looking into them: mail over tcp, names
# over udp, and TLS that is told apart by the name that the client asks for.
# The addresses are those of documentation (RFC 5737, RFC 3849).

server "mail1" { address = "192.0.2.21:25" }
server "mail2" { address = "192.0.2.22:25" }
server "dns1" { address = "192.0.2.31:53" }
server "dns2" { address = "[2001:db8::32]:53" }
server "shop1" { address = "192.0.2.41:443" }
server "wiki1" { address = "192.0.2.51:443" }
server "voip1" { address = "192.0.2.61:10000" }

pool "mail" {
  policy = "least_connections"

  member "mail1" {}
  member "mail2" { hot_spare = true } # only when mail1 is down

  # The server greets first: 220 means that it takes mail.
  probe "acv" { expect = "220 " }
}

pool "dns" {
  policy = "source_hash" # the same client asks the same server

  member "dns1" {}
  member "dns2" {}

  probe "icmp" { interval = "5s" }
}

pool "shop_tls" {
  member "shop1" {}

  probe "tls" { server_name = "www.example.com" }
}

pool "wiki_tls" {
  member "wiki1" {}

  probe "tls" { server_name = "wiki.example.com" }
}

pool "voip" {
  member "voip1" {}

  probe "icmp" {}
}

cluster "smtp" {
  protocol = "tcp"
  listen   = ["203.0.113.10:25"]
  pool     = "mail"
  retries  = 1

  timeouts {
    connect = "3s"
    tunnel  = "10m" # of silence
  }
}

cluster "dns" {
  protocol = "udp"
  listen   = ["203.0.113.10:53", "[2001:db8::10]:53"]
  pool     = "dns"

  timeouts { tunnel = "10s" }
}

# A range of ports; a connection to port n of the range goes to the server.
cluster "voip" {
  protocol = "udp"
  listen   = ["203.0.113.10:10000-10099"]
  pool     = "voip"
}

# The TLS connections are not opened: the server has the certificate. A name
# that no sni block has goes to the pool of the cluster.
cluster "tls" {
  protocol = "tcp"
  listen   = ["203.0.113.10:443"]
  pool     = "shop_tls"

  # A client stays with its server for half an hour.
  persist "source" { timeout = "30m" }

  sni "wiki.example.com" { pool = "wiki_tls" }
  sni "*.wiki.example.com" { pool = "wiki_tls" }
}
