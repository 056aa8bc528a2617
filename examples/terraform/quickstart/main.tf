# One server, from a bare BMC address to booted.

terraform {
  required_version = ">= 1.11"
  required_providers {
    baremetal = {
      source = "terraform-baremetal/baremetal"
    }
  }
}

# The agent and the BMC password come from the environment:
#   BAREMETAL_AGENT_ENDPOINTS, BAREMETAL_AGENT_TOKEN,
#   BAREMETAL_CREDENTIALS_DEFAULT_USERNAME, BAREMETAL_CREDENTIALS_DEFAULT_PASSWORD
provider "baremetal" {}

resource "baremetal_bmc" "node" {
  address     = var.bmc_address
  port        = var.bmc_port
  credentials = "default"
  tls = {
    fingerprint_sha256 = var.bmc_fingerprint_sha256
  }
}

resource "baremetal_server" "node" {
  bmc = baremetal_bmc.node.connection
}

resource "baremetal_boot_config" "node" {
  kernel      = var.kernel
  initrds     = [var.initrd]
  kernel_args = ["console=ttyS0"]

  ignition_wo         = jsonencode({ ignition = { version = "3.4.0" } })
  ignition_wo_version = 1
}

resource "baremetal_host_claim" "node" {
  server_id      = baremetal_server.node.id
  boot_config_id = baremetal_boot_config.node.id
  hostname       = var.hostname
}
