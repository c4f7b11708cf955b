engine {
  # [2J
}
