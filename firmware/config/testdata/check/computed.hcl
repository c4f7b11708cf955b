engine {
  loops = 1 + 1
}

metrics {
  token = upper("secret-secret")
}
