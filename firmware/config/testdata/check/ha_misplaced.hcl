router "lan" {}
track "port" "lan1" {}
node "left" {}
group {}
group "a" "b" { homes = ["left"] }
group "c" {
  homes = ["left"]
  vrid  = 3
  peer "x" {}
}
