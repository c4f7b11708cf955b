system { host_name = "left" }
group "front" { homes = ["left", "right"] }
