output "servers" {
  description = "The servers that were found, by their BMC's MAC address"
  value = {
    for mac, server in baremetal_server.found : mac => {
      id            = server.id
      serial_number = server.serial_number
      console       = baremetal_bmc.found[mac].console
    }
  }
}
