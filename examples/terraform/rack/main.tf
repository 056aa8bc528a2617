# A rack: every host of a map, claimed and booted. Use it as a module, once for each rack; the
# provider's configuration comes from the caller, or from the environment.

terraform {
  required_version = ">= 1.11"
  required_providers {
    baremetal = {
      source = "terraform-baremetal/baremetal"
    }
  }
}

resource "baremetal_bmc" "this" {
  for_each = var.hosts

  address     = each.value.address
  port        = each.value.port
  credentials = var.credentials
  tls         = each.value.fingerprint_sha256 == null ? null : { fingerprint_sha256 = each.value.fingerprint_sha256 }
}

resource "baremetal_server" "this" {
  for_each = var.hosts

  bmc    = baremetal_bmc.this[each.key].connection
  labels = merge({ rack = var.rack }, each.value.labels)
}

resource "baremetal_boot_config" "this" {
  kernel      = var.kernel
  initrds     = [var.initrd]
  kernel_args = var.kernel_args

  ignition_wo         = var.ignition
  ignition_wo_version = var.ignition_version
}

resource "baremetal_host_claim" "this" {
  for_each = var.hosts

  server_id      = baremetal_server.this[each.key].id
  boot_config_id = baremetal_boot_config.this.id
  hostname       = "${var.rack}-${each.key}"
}
