terraform {
  required_providers {
    baremetal = {
      source = "terraform-baremetal/baremetal"
    }
  }
}

# Ephemeral: Terraform keeps neither value in a plan or a state.
variable "bmc_password" {
  type      = string
  sensitive = true
  ephemeral = true
}

variable "agent_token" {
  type      = string
  sensitive = true
  ephemeral = true
}

provider "baremetal" {
  agent = {
    endpoints = ["https://agent.ams1.example.com:7470"]
    token     = var.agent_token
  }

  credentials = {
    rack1 = {
      username = "provisioner"
      password = var.bmc_password
    }
  }
}
