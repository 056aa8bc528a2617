provider "kit" {
  endpoint = "https://kit.example.com"
}
