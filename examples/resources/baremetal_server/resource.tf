resource "baremetal_server" "node1" {
  bmc = baremetal_bmc.node1.connection

  labels = {
    rack = "r1"
    role = "worker"
  }
}
