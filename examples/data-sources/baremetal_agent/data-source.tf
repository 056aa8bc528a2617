data "baremetal_agent" "site" {}

# Subnets of the agent's configuration file can have reservations too.
resource "baremetal_reservation" "node1" {
  subnet_id = one([
    for subnet in data.baremetal_agent.site.subnets : subnet.id if subnet.subnet == "10.0.0.0/24"
  ])
  mac_address = "52:54:00:12:34:56"
  address     = "10.0.0.11"
}
