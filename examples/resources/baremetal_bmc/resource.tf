resource "baremetal_bmc" "node1" {
  address     = "10.0.0.11"
  credentials = "rack1"

  # The certificate that the BMC came with: openssl x509 -fingerprint -sha256 prints it, and so
  # does the error of an apply without it.
  tls = {
    fingerprint_sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
  }
}

# One that the agent has heard by DHCP; the provider's mac_prefixes tell the rest.
resource "baremetal_bmc" "node2" {
  mac_address = "52:54:00:12:34:56"
}
