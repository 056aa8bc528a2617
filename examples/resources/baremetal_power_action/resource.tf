# Restarts the server once, and again whenever the firmware's version here changes.
resource "baremetal_power_action" "restart" {
  server_id = baremetal_server.node1.id
  action    = "GracefulRestart"

  triggers = {
    firmware = "2.4.1"
  }
}

# Restarts the BMC, and waits until it is back.
resource "baremetal_power_action" "bmc" {
  bmc    = baremetal_bmc.node1.connection
  action = "BmcGracefulRestart"

  triggers = {
    ticket = "OPS-1234"
  }
}
