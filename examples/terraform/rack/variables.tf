variable "rack" {
  description = "The rack's name: a label of its servers and the first part of their host names."
  type        = string
}

variable "credentials" {
  description = "The name of the BMCs' credentials in the provider's credentials."
  type        = string
  default     = "default"
}

variable "hosts" {
  description = "The rack's hosts, by name."
  type = map(object({
    address            = string
    port               = optional(number, 443)
    fingerprint_sha256 = optional(string)
    labels             = optional(map(string), {})
  }))
}

variable "kernel" {
  description = "The kernel to boot."
  type        = object({ url = string, sha256 = string })
}

variable "initrd" {
  description = "The initial RAM disk to boot."
  type        = object({ url = string, sha256 = string })
}

variable "kernel_args" {
  description = "The kernel's arguments."
  type        = list(string)
  default     = ["console=ttyS0"]
}

variable "ignition" {
  description = "The hosts' Ignition config, a template. It is never stored in state or plan."
  type        = string
  ephemeral   = true
  default     = "{\"ignition\":{\"version\":\"3.4.0\"}}"
}

variable "ignition_version" {
  description = "Raise it with every change of ignition."
  type        = number
  default     = 1
}
