pool "a" { queue = 1, idle = 2 }
