output "addresses" {
  description = "The address of each host, by site."
  value       = { ams = module.ams.addresses, fra = module.fra.addresses }
}
