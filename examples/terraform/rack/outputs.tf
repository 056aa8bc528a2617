output "addresses" {
  description = "The address of each host."
  value       = { for name, claim in baremetal_host_claim.this : name => claim.address }
}

output "server_ids" {
  description = "The system UUID of each host."
  value       = { for name, server in baremetal_server.this : name => server.id }
}
