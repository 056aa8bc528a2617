# Its network, or its id
terraform import baremetal_subnet.rack1 10.0.0.0/24
