action "baremetal_server_power" "cycle" {
  config {
    server_id = baremetal_server.node1.id
    action    = "PowerCycle"
  }
}

# By hand: terraform apply -invoke=action.baremetal_server_power.cycle
# Or whenever something else changes:
resource "terraform_data" "bios" {
  input = "2.4.1"

  lifecycle {
    action_trigger {
      events  = [after_update]
      actions = [action.baremetal_server_power.cycle]
    }
  }
}
