engine {
  loops = 2;
}
