server "web1" { address = "192.0.2.11:80" }
pool "p" {

  member "web1" {}
}