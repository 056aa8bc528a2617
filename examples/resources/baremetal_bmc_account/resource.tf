variable "bmc_passwords" {
  type      = map(string)
  ephemeral = true
}

# An account of Terraform's own. Another version sets the password anew.
resource "baremetal_bmc_account" "terraform" {
  bmc                 = baremetal_bmc.node1.connection
  username            = "terraform"
  role                = "Administrator"
  password_wo         = var.bmc_passwords["terraform"]
  password_wo_version = 1
}

# The account that the provider itself logs in with, on a BMC that wants the factory's password
# changed before anything else. The connection is written out, because a baremetal_bmc of this BMC
# can only come after it.
resource "baremetal_bmc_account" "factory" {
  bmc = {
    endpoint           = "https://10.0.0.12:443"
    credentials        = "factory"
    fingerprint_sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
  }
  username            = "root"
  role                = "Administrator"
  password_wo         = var.bmc_passwords["root"]
  password_wo_version = 1
}
