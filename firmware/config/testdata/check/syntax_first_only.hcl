server "a" {
  address = 
}
pool {{
