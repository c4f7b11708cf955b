pool "a" {
