resource "baremetal_subnet" "rack1" {
  subnet = "10.0.0.0/24"
  pools  = ["10.0.0.100-10.0.0.200"]
  router = "10.0.0.1"
  dns    = ["10.0.0.2", "10.0.0.3"]
  domain = "rack1.example.com"

  # Seconds.
  lease_time = 1800
}
