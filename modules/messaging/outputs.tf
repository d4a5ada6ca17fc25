output "broker_arn" {
  description = "ARN of the broker."
  value       = aws_mq_broker.this.arn
}

output "broker_id" {
  description = "Id of the broker."
  value       = aws_mq_broker.this.id
}

output "broker_name" {
  description = "Name of the broker."
  value       = aws_mq_broker.this.broker_name
}

output "broker_xml" {
  description = "Configuration of the broker as it was handed to Amazon MQ."
  value       = local.broker_xml
}

output "configuration_id" {
  description = "Id of the broker's configuration."
  value       = aws_mq_configuration.this.id
}

output "configuration_revision" {
  description = "Revision of the configuration that the broker uses."
  value       = aws_mq_configuration.this.latest_revision
}

output "node_names" {
  description = "Values of the dimension Broker in CloudWatch, one for each node."
  value       = local.node_names
}

output "queue_names" {
  description = "Every queue that is declared, the dead-letter queue included."
  value       = local.queue_names
}

output "stomp_endpoints" {
  description = "Addresses for STOMP over TLS, one for each node."
  value       = local.stomp_endpoints
}
