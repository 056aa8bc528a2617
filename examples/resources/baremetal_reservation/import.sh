# Its address, its MAC address, or its id
terraform import baremetal_reservation.node1 10.0.0.11
