polo "shop" {}
servers {}
member "web1" {}
whatever {}
engine {
  pool "x" {}
}
