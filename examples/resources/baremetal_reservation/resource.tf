resource "baremetal_reservation" "node1" {
  subnet_id   = baremetal_subnet.rack1.id
  mac_address = "52:54:00:12:34:56"
  address     = "10.0.0.11"
  hostname    = "node1"
}
