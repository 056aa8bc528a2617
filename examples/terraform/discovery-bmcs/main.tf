# Every BMC that asked for an address and has a known MAC prefix, and the server behind it.
#
# BMCs come and go in what the agent has heard; one that it forgets would be removed here. Once a rack
# is complete, put the MAC addresses into a variable and give that to for_each.

terraform {
  required_providers {
    baremetal = {
      source = "terraform-baremetal/baremetal"
    }
  }
}

provider "baremetal" {
  # The agent and the credentials come from the environment: BAREMETAL_AGENT_ENDPOINTS,
  # BAREMETAL_AGENT_TOKEN, and BAREMETAL_CREDENTIALS_FACTORY_USERNAME and _PASSWORD.

  # What a BMC proves itself with before it is told the factory's password.
  redfish = {
    ca_pem = var.bmc_ca_pem
  }

  mac_prefixes = {
    (var.bmc_mac_prefix) = {
      manufacturer = "Contoso"
      port         = var.bmc_port
      credentials  = "factory"
      console      = { protocol = "SSH", port = 22 }
    }
  }
}

data "baremetal_endpoints" "heard" {}

locals {
  bmcs = {
    for mac, endpoint in data.baremetal_endpoints.heard.endpoints : mac => endpoint
    if endpoint.matched != null && endpoint.address != null
  }
}

resource "baremetal_bmc" "found" {
  for_each = local.bmcs

  mac_address = each.key
  # A BMC whose password was changed has its own here; the factory's is not tried then.
  credentials = lookup(var.bmc_credentials, each.key, null)
}

resource "baremetal_server" "found" {
  for_each = baremetal_bmc.found

  bmc = each.value.connection
  labels = {
    bmc = replace(each.key, ":", "-")
  }
}
