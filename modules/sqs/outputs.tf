output "api_policy_json" {
  description = "IAM policy document that allows the HTTP API to send requests, and to count them and dead letters."
  value       = local.policies["api"]
}

output "arns" {
  description = "ARN by purpose of the queue: dead_letter, priority, requests, results; without priority if the queue does not exist."
  value       = local.arns
}

output "kms_key_arn" {
  description = "ARN of the KMS key of the queues; null for the key of SQS."
  value       = local.kms_key_arn
}

output "names" {
  description = "Name by purpose of the queue; also the values of the CloudWatch dimension QueueName."
  value       = local.names
}

output "operator_policy_json" {
  description = "IAM policy document that allows to inspect, send, move, delete and purge messages of all queues, as gradectl does."
  value       = local.policies["operator"]
}

output "urls" {
  description = "URL by purpose of the queue; known once the queue exists."
  value       = local.urls

  # a message that comes earlier would have no way to the dead-letter queue
  depends_on = [aws_sqs_queue_policy.this, aws_sqs_queue_redrive_allow_policy.this, aws_sqs_queue_redrive_policy.this]
}

output "visibility_seconds" {
  description = "Time for which a received message is hidden from other workers."
  value       = var.visibility_seconds
}

output "wait_seconds" {
  description = "Longest time for which a receive waits for a message."
  value       = var.wait_seconds
}

output "web_policy_json" {
  description = "IAM policy document that allows a web tier to send requests and take results."
  value       = local.policies["web"]
}

output "worker_policy_json" {
  description = "IAM policy document that allows a worker to take requests, and to send results and dead letters."
  value       = local.policies["worker"]
}
