output "application_username" {
  description = "Application user, created by `grader database-user`."
  value       = var.application.username
}

output "arn" {
  description = "ARN of the instance; null if existing omits it."
  value       = local.arn
}

output "connect_policy_json" {
  description = "IAM policy document that allows logging in as the application user with an IAM token; null without application.iam_authentication."
  value       = local.connect_policy == null ? null : jsonencode(local.connect_policy)
}

output "database_name" {
  description = "Name of the application schema."
  value       = var.existing == null ? one(aws_db_instance.this[*].db_name) : var.application.database_name
}

output "endpoint" {
  description = "Endpoint of the database as host:port."
  value       = var.existing == null ? one(aws_db_instance.this[*].endpoint) : var.existing.endpoint
}

output "identifier" {
  description = "Identifier of the instance; null if existing omits it."
  value       = var.existing == null ? one(aws_db_instance.this[*].identifier) : var.existing.identifier
}

output "log_group_names" {
  description = "Log group by exported log (error, slowquery); empty with existing."
  value       = { for kind, group in aws_cloudwatch_log_group.this : kind => group.name }
}

output "resource_id" {
  description = "Resource ID of the instance (db-...), which IAM policies use; null if existing omits it."
  value       = local.resource_id
}

output "security_group_ids" {
  description = "Security groups of the database; empty with existing."
  value       = var.security_group_ids
}

output "username" {
  description = "Value of admin_username: the administrator, or the user of an existing database."
  value       = var.admin_username
}
