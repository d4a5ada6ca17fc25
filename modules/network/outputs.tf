output "nat_public_ips" {
  description = "Public IP addresses of the NAT gateways, in the order of the zones; empty without NAT."
  value       = [for zone in local.nat_zones : aws_eip.nat[zone].public_ip]
}

output "private_route_table_ids" {
  description = "Route tables of the private subnets: one, or one per zone with nat = per_zone."
  value       = local.private_route_table_ids
}

output "private_subnet_ids" {
  description = "Private subnets in the order of availability_zones; known once their routes and endpoints exist."
  value       = local.private_subnet_ids

  # a task that starts earlier cannot pull its image
  depends_on = [aws_route.nat, aws_route_table_association.private, aws_vpc_endpoint.interface, aws_vpc_endpoint.s3]
}

output "public_subnet_ids" {
  description = "Public subnets in the order of availability_zones; known once their routes exist."
  value       = local.public_subnet_ids

  depends_on = [aws_route.internet, aws_route_table_association.public]
}

output "security_group_ids" {
  description = "Security group by role (worker, and those of broker, database, endpoints, load_balancer and web that are created); known once its rules exist."
  value       = { for role, group in aws_security_group.this : role => group.id }

  depends_on = [
    aws_vpc_security_group_egress_rule.internet, aws_vpc_security_group_egress_rule.role, aws_vpc_security_group_egress_rule.s3,
    aws_vpc_security_group_ingress_rule.endpoints, aws_vpc_security_group_ingress_rule.load_balancer, aws_vpc_security_group_ingress_rule.role,
  ]
}

output "ssh_rule_ids" {
  description = "ID of the SSH rule of the web tier by CIDR block."
  value       = { for block, rule in aws_vpc_security_group_ingress_rule.ssh : block => rule.id }
}

output "vpc_cidr_block" {
  description = "IPv4 range of the VPC."
  value       = local.creates_vpc ? local.cidr_block : var.existing.vpc_cidr_block
}

output "vpc_id" {
  description = "ID of the VPC."
  value       = local.vpc_id
}
