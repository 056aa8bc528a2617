# By hand: terraform apply -invoke=action.baremetal_bmc_reset.node1
action "baremetal_bmc_reset" "node1" {
  config {
    bmc   = baremetal_bmc.node1.connection
    force = true
  }
}
