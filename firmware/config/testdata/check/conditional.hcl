engine {
  loops = true ? 1 : 2
}
