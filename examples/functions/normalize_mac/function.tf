# Two inventories that write addresses in their own ways become one map.
locals {
  switch_ports = { "5254.00ab.0001" = "xe-0/0/1" }

  ports = {
    for mac, port in local.switch_ports : provider::baremetal::normalize_mac(mac) => port
  }
}

output "port" {
  value = local.ports[provider::baremetal::normalize_mac("52-54-00-AB-00-01")]
}
