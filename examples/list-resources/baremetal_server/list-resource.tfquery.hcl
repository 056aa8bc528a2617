# terraform query -generate-config-out=rack1.tf
list "baremetal_server" "rack1" {
  provider = baremetal

  config {
    match_labels = { rack = "r1" }
  }
}
