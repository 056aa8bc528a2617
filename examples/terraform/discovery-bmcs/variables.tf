variable "bmc_mac_prefix" {
  description = "How the MAC addresses of the BMCs begin"
  type        = string
}

variable "bmc_port" {
  description = "The TCP port of the BMCs"
  type        = number
  default     = 443
}

variable "bmc_ca_pem" {
  description = "The certificates that the BMCs are verified with, PEM"
  type        = string
}

variable "bmc_credentials" {
  description = "The names of the credentials of BMCs that no longer have the factory's, by MAC address"
  type        = map(string)
  default     = {}
}
