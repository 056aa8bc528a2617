# SERVER_ID/ACTION with the triggers behind it: the action counts as done, and nothing is sent
terraform import baremetal_power_action.restart "4c4c4544-0042-3510-8057-b7c04f4b4d32/GracefulRestart?firmware=2.4.1"
# or with the BMC in the place of the server, as baremetal_bmc is imported
terraform import baremetal_power_action.bmc "rack1@10.0.0.5/BmcForceRestart"
