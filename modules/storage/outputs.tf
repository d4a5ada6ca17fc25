output "bucket_arn" {
  description = "ARN of the bucket."
  value       = aws_s3_bucket.this.arn
}

output "bucket_name" {
  description = "Name of the bucket, once its access rules and encryption are in place."
  value       = aws_s3_bucket.this.bucket

  depends_on = [
    aws_s3_bucket_policy.this,
    aws_s3_bucket_server_side_encryption_configuration.this,
  ]
}

output "web_policy_json" {
  description = "What the web tier may do with the bucket, put to submissions/ and get from results/, as an IAM policy document."
  value       = jsonencode(local.web_policy)
}

output "worker_policy_json" {
  description = "What a worker may do with the bucket, as an IAM policy document."
  value       = jsonencode(local.worker_policy)
}
