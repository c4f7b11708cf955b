panel {
  mode      = "of"
  pin       = "12ab"
  language  = "de"
  rotate    = "1s"
  backlight = 101
  idle      = "1s"
}
panel {}
