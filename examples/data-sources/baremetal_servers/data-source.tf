data "baremetal_servers" "free" {
  match_labels = { rack = "r1" }
  state        = "available"
}

output "free_servers" {
  value = data.baremetal_servers.free.servers[*].id
}
