output "api_policy_json" {
  description = "IAM policy document of the HTTP API: put to submissions/, list, get metadata of submissions, and statements and settings of problems."
  value       = jsonencode(local.api_policy)
}

output "bucket_arn" {
  description = "ARN of the bucket."
  value       = aws_s3_bucket.this.arn
}

output "bucket_name" {
  description = "Name of the bucket; known once access rules and encryption are in place."
  value       = aws_s3_bucket.this.bucket

  depends_on = [
    aws_s3_bucket_policy.this,
    aws_s3_bucket_server_side_encryption_configuration.this,
  ]
}

output "replication_role_arn" {
  description = "ARN of the role with which S3 copies objects; null without replication."
  value       = one(aws_iam_role.replication[*].arn)
}

output "web_policy_json" {
  description = "IAM policy document of the web tier: put to submissions/, get from results/."
  value       = jsonencode(local.web_policy)
}

output "worker_policy_json" {
  description = "IAM policy document of a worker."
  value       = jsonencode(local.worker_policy)
}
