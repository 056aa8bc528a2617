data "baremetal_server" "db1" {
  match_labels = { name = "db1" }
}

output "db1" {
  value = data.baremetal_server.db1.id
}
