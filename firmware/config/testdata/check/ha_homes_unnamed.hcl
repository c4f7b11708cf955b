group "front" { homes = ["left", "right"] }
