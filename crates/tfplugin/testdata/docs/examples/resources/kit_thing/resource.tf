resource "kit_thing" "example" {
  name = "example"
}
