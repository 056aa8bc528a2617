output "joined" {
  value = provider::kit::join("-", "a", "b")
}
