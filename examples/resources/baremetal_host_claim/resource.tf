resource "baremetal_host_claim" "node1" {
  server_id      = baremetal_server.node1.id
  boot_config_id = baremetal_boot_config.worker.id
  hostname       = "node1"
}

# Or any free server that fits, from whichever state registered it.
resource "baremetal_host_claim" "database" {
  selector = {
    match_labels   = { role = "storage" }
    min_memory_gib = 256
  }
  boot_config_id = baremetal_boot_config.worker.id
  hostname       = "db1"

  # Change it to boot (and under boot_policy once: install) the server again.
  reprovision = {
    trigger = "2026-01"
  }
}
