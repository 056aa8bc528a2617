output "address" {
  description = "The address the server was leased."
  value       = baremetal_host_claim.node.address
}

output "server_id" {
  description = "The server's system UUID."
  value       = baremetal_server.node.id
}
