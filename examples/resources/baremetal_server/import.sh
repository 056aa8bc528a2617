# The system UUID of a server that is registered in the agent
terraform import baremetal_server.node1 4c4c4544-0042-3510-8057-b7c04f4b4d32
