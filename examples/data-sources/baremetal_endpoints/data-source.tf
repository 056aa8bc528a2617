provider "baremetal" {
  mac_prefixes = {
    "52:54:00" = {
      manufacturer = "Contoso"
      protocol     = "Redfish"
      credentials  = "rack1"
    }
  }
}

data "baremetal_endpoints" "all" {}

# Every BMC that asked for an address and that mac_prefixes knows.
resource "baremetal_bmc" "found" {
  for_each = {
    for mac, endpoint in data.baremetal_endpoints.all.endpoints : mac => endpoint
    if endpoint.matched != null && endpoint.address != null
  }
  address     = each.value.address
  credentials = each.value.matched.credentials
}
