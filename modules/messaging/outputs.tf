output "alarm_dimensions" {
  description = "Dimensions of the broker's metrics in the namespace AWS/AmazonMQ, one object per node."
  value       = [for name in local.node_names : { Broker = name }]
}

output "broker_arn" {
  description = "ARN of the broker; null for an existing one."
  value       = one(aws_mq_broker.this[*].arn)
}

output "broker_id" {
  description = "ID of the broker; null for an existing one."
  value       = one(aws_mq_broker.this[*].id)
}

output "broker_name" {
  description = "Name of the broker."
  value       = local.makes_broker ? one(aws_mq_broker.this[*].broker_name) : var.existing.name
}

output "broker_xml" {
  description = "XML configuration of the broker; null for RabbitMQ and for an existing broker."
  value       = local.configures ? local.broker_xml : null
}

output "configuration_id" {
  description = "ID of the broker's configuration; null for RabbitMQ and for an existing broker."
  value       = one(aws_mq_configuration.this[*].id)
}

output "configuration_revision" {
  description = "Revision of the broker's configuration; null without a configuration."
  value       = one(aws_mq_configuration.this[*].latest_revision)
}

output "endpoints" {
  description = "Endpoints by protocol, one per node: openwire, amqp, stomp, mqtt and websocket for ActiveMQ, amqp for RabbitMQ."
  value       = local.endpoints
}

output "engine_type" {
  description = "Engine of the broker, ActiveMQ or RabbitMQ."
  value       = var.engine_type
}

output "initial_password" {
  description = "Initial password of the RabbitMQ administrator. It is in the state from the apply that creates the broker until the next one: read and change it at once. Null for ActiveMQ."
  value       = var.engine_type == "RabbitMQ" && local.makes_broker ? one(one(aws_mq_broker.this[*].user)[*].password) : null
  sensitive   = true
}

output "instance_type" {
  description = "Instance type of each broker node; null for an existing broker."
  value       = local.makes_broker ? local.instance_type : null
}

output "log_group_names" {
  description = "CloudWatch log groups of the broker."
  value       = local.makes_broker ? [for group in local.log_groups : group.name] : var.existing.log_group_names
}

output "node_names" {
  description = "Values of the CloudWatch dimension Broker: one per node of ActiveMQ, the broker's name for RabbitMQ."
  value       = local.node_names
}

output "queue_names" {
  description = "All declared queues, including dead-letter queues; empty for RabbitMQ."
  value       = var.engine_type == "ActiveMQ" ? local.queue_names : []
}

output "security_group_ids" {
  description = "Security groups of the broker."
  value       = var.security_group_ids
}

output "stomp_endpoints" {
  description = "STOMP endpoints over TLS, one per node; empty for RabbitMQ."
  value       = local.endpoints["stomp"]
}

output "user_names" {
  description = "Users created with the broker, the administrator first; empty for an existing broker."
  value       = local.makes_broker ? concat([var.admin_username], keys(var.users)) : []
}
