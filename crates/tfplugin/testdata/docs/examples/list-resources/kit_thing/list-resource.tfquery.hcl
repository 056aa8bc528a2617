list "kit_thing" "all" {
  provider = kit
}
