# Its id
terraform import baremetal_boot_config.worker 0f4b3c1e-6d0a-4b1e-9a53-3c1f8a1f0c11
