locals {
  base = jsonencode({
    ignition = { version = "3.4.0" }
    passwd   = { users = [{ name = "core", groups = ["wheel"] }] }
  })

  worker = jsonencode({
    ignition = { version = "3.4.0" }
    systemd  = { units = [{ name = "kubelet.service", enabled = true }] }
  })
}

resource "baremetal_boot_config" "worker" {
  kernel = {
    url    = "https://images.example.com/flatcar/4081.2.0/flatcar_production_pxe.vmlinuz"
    sha256 = "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752"
  }

  ignition_wo         = provider::baremetal::ignition_merge([local.base, local.worker])
  ignition_wo_version = 1
}
