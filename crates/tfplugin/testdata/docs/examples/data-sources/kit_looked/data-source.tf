data "kit_looked" "example" {
  name = "example"
}
