resource "baremetal_boot_config" "rescue" {
  # A misspelt command stops the plan: line 3: "kernal" is no command of iPXE
  ipxe_script = provider::baremetal::ipxe_lint(<<-EOT
    #!ipxe
    set base http://images.example.com/rescue
    kernel $${base}/vmlinuz console=ttyS0 report={{ report_url }} || goto failed
    initrd $${base}/initrd.img || goto failed
    boot
    :failed
    exit 1
  EOT
  )
}
