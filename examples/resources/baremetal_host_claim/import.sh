# The system UUID of the claimed server
terraform import baremetal_host_claim.node1 4c4c4544-0042-3510-8057-b7c04f4b4d32
