variable "bmc_address" {
  description = "The BMC's host name or IP address."
  type        = string
}

variable "bmc_port" {
  description = "The BMC's HTTPS port."
  type        = number
  default     = 443
}

variable "bmc_fingerprint_sha256" {
  description = "SHA-256 of the BMC's certificate; an apply with a wrong one prints the right one."
  type        = string
}

variable "kernel" {
  description = "The kernel to boot."
  type        = object({ url = string, sha256 = string })
}

variable "initrd" {
  description = "The initial RAM disk to boot."
  type        = object({ url = string, sha256 = string })
}

variable "hostname" {
  description = "The server's host name."
  type        = string
  default     = "node1"
}
