ephemeral "kit_session" "this" {
  name = "a"
}
