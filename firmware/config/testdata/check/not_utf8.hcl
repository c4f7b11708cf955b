engine {
  # café
}
