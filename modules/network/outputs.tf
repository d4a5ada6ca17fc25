output "private_subnet_ids" {
  description = "Private subnets, in the order of the zones given."
  value       = local.private_subnet_ids
}

output "public_subnet_ids" {
  description = "Public subnets, in the order of the zones given."
  value       = [for zone in var.availability_zones : aws_subnet.public[zone].id]
}

output "security_group_ids" {
  description = "Security group of each role: broker, database, endpoints, web, worker."
  value       = { for role, group in aws_security_group.this : role => group.id }
}

output "ssh_rule_ids" {
  description = "Rule that opens SSH to the web tier, by the range that may use it."
  value       = { for block, rule in aws_vpc_security_group_ingress_rule.ssh : block => rule.id }
}

output "vpc_id" {
  description = "Id of the VPC."
  value       = aws_vpc.this.id
}
