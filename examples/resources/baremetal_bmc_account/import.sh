# USERNAME/CREDENTIALS@ADDRESS:PORT, and a pinned certificate behind it
terraform import baremetal_bmc_account.terraform "terraform/rack1@10.0.0.11:443?fingerprint_sha256=9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
