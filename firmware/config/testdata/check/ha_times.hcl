node { name = "left" }

group "old" {
  homes    = ["left"]
  interval = "1500ms"

  router "lan" {
    port      = "lan1"
    vrid      = 1
    version   = 2
    addresses = ["192.0.2.1/24"]
  }
}

group "odd" {
  homes         = ["left"]
  interval      = "15ms"
  preempt       = false
  preempt_delay = "1m"
  engine_hold   = "100ms"
  on_split      = "hlod"
}

group "fast" {
  homes    = ["left"]
  interval = "5ms"
  handoff  = "2h"
  announce { repeat = 0 }
}

group "slow" {
  homes    = ["left"]
  interval = "41s"
}
