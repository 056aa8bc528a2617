# In the agent's cache before the first server asks for it.
resource "baremetal_image" "kernel" {
  url    = "https://images.example.com/flatcar/4081.2.0/flatcar_production_pxe.vmlinuz"
  sha256 = "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752"

  timeouts = {
    create = "10m"
  }
}

resource "baremetal_boot_config" "flatcar" {
  kernel = {
    url    = baremetal_image.kernel.url
    sha256 = baremetal_image.kernel.sha256
  }
}
