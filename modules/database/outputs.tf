output "application_username" {
  description = "User of the application, whom `grader database-user` makes."
  value       = var.application.username
}

output "arn" {
  description = "ARN of the instance; null when an existing one was given without it."
  value       = local.arn
}

output "connect_policy_json" {
  description = "Leave to log in as the application's user by IAM, as an IAM policy document; null without application.iam_authentication."
  value       = local.connect_policy == null ? null : jsonencode(local.connect_policy)
}

output "database_name" {
  description = "Schema of the application."
  value       = var.existing == null ? one(aws_db_instance.this[*].db_name) : var.application.database_name
}

output "endpoint" {
  description = "Address of the database as host:port."
  value       = var.existing == null ? one(aws_db_instance.this[*].endpoint) : var.existing.endpoint
}

output "identifier" {
  description = "Identifier of the instance; null when an existing one was given without it."
  value       = var.existing == null ? one(aws_db_instance.this[*].identifier) : var.existing.identifier
}

output "log_group_names" {
  description = "Log group of each exported log: error and slowquery; empty with existing."
  value       = { for kind, group in aws_cloudwatch_log_group.this : kind => group.name }
}

output "resource_id" {
  description = "Id of the instance that IAM knows it by (db-...); null when an existing one was given without it."
  value       = local.resource_id
}
