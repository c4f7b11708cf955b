responder "x" {
  redirect = "https://example.com/$1"
  match = "(?=a)"
}
