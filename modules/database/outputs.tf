output "arn" {
  description = "ARN of the instance."
  value       = aws_db_instance.this.arn
}

output "database_name" {
  description = "Schema that was made with the instance."
  value       = aws_db_instance.this.db_name
}

output "endpoint" {
  description = "Address of the database as host:port."
  value       = aws_db_instance.this.endpoint
}

output "identifier" {
  description = "Identifier of the instance."
  value       = aws_db_instance.this.identifier
}
