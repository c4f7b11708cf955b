responder "x" {
  description = "two\nlines"
}
