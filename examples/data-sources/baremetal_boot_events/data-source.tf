data "baremetal_boot_events" "node1" {
  server_id = baremetal_server.node1.id
}

output "boot_stages" {
  value = { for event in data.baremetal_boot_events.node1.events : event.stage => event.at... if event.stage != null }
}
