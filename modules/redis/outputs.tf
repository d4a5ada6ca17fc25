output "replication_group_id" {
  description = "ID of the replication group; null for an existing Redis."
  value       = one(aws_elasticache_replication_group.this[*].id)
}

output "security_group_id" {
  description = "Security group of Redis, known once its rules exist; null for an existing Redis."
  value       = one(aws_security_group.this[*].id)

  depends_on = [aws_vpc_security_group_egress_rule.client, aws_vpc_security_group_ingress_rule.client]
}

output "url" {
  description = "URL of the primary node over TLS, rediss://host:port; null for an existing Redis."
  value       = local.creates ? "rediss://${aws_elasticache_replication_group.this[0].primary_endpoint_address}:${var.port}" : null
}
