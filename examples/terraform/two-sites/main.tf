# The same rack module in two sites. Each site has its own agent and so its own provider.

terraform {
  required_version = ">= 1.11"
  required_providers {
    baremetal = {
      source = "terraform-baremetal/baremetal"
    }
  }
}

provider "baremetal" {
  alias = "ams"
  agent = {
    endpoints = [var.sites.ams.agent]
    token     = var.agent_tokens.ams
  }
  credentials = { default = var.bmc_credentials.ams }
}

provider "baremetal" {
  alias = "fra"
  agent = {
    endpoints = [var.sites.fra.agent]
    token     = var.agent_tokens.fra
  }
  credentials = { default = var.bmc_credentials.fra }
}

module "ams" {
  source    = "../rack"
  providers = { baremetal = baremetal.ams }

  rack   = "ams-r1"
  hosts  = var.sites.ams.hosts
  kernel = var.sites.ams.kernel
  initrd = var.sites.ams.initrd
}

module "fra" {
  source    = "../rack"
  providers = { baremetal = baremetal.fra }

  rack   = "fra-r1"
  hosts  = var.sites.fra.hosts
  kernel = var.sites.fra.kernel
  initrd = var.sites.fra.initrd
}
