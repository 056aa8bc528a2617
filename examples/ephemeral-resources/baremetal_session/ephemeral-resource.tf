ephemeral "baremetal_session" "node1" {
  bmc = baremetal_bmc.node1.connection
}

# A script that speaks Redfish without knowing a password.
resource "terraform_data" "report" {
  provisioner "local-exec" {
    command = "curl --silent --header \"X-Auth-Token: $TOKEN\" \"$ENDPOINT/redfish/v1/Chassis\""
    environment = {
      TOKEN    = ephemeral.baremetal_session.node1.token
      ENDPOINT = ephemeral.baremetal_session.node1.endpoint
    }
  }
}
