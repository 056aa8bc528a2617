resource "baremetal_boot_config" "worker" {
  kernel = {
    url    = "https://images.example.com/flatcar/4081.2.0/flatcar_production_pxe.vmlinuz"
    sha256 = "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752"
  }

  initrds = [{
    url    = "https://images.example.com/flatcar/4081.2.0/flatcar_production_pxe_image.cpio.gz"
    sha256 = "fd61a03af4f77d870fc21e05e7e80678095c92d808cfb3b5c279ee04c74aca13"
  }]

  kernel_args = ["console=ttyS0", "flatcar.first_boot=1"]

  # Never stored in state or plan. {{ hostname }} is the claim's.
  ignition_wo = jsonencode({
    ignition = { version = "3.4.0" }
    storage = {
      files = [{
        path     = "/etc/hostname"
        contents = { source = "data:,{{ hostname }}" }
      }]
    }
  })
  ignition_wo_version = 1
}
