action "kit_poke" "this" {
  config {
    name = "a"
  }
}
