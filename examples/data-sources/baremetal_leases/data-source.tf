data "baremetal_leases" "rack1" {
  subnet_id = baremetal_subnet.rack1.id
}

output "addresses" {
  value = {
    for lease in data.baremetal_leases.rack1.leases : lease.mac_address => lease.address
    if lease.state == "active"
  }
}
