output "alarm_dimensions" {
  description = "Dimensions of the broker's metrics in the namespace AWS/AmazonMQ, one object for each node."
  value       = [for name in local.node_names : { Broker = name }]
}

output "broker_arn" {
  description = "ARN of the broker; null for an existing one."
  value       = one(aws_mq_broker.this[*].arn)
}

output "broker_id" {
  description = "Id of the broker; null for an existing one."
  value       = one(aws_mq_broker.this[*].id)
}

output "broker_name" {
  description = "Name of the broker."
  value       = local.makes_broker ? one(aws_mq_broker.this[*].broker_name) : var.existing.name
}

output "broker_xml" {
  description = "Configuration of the broker as it was handed to Amazon MQ; null where it has none: RabbitMQ and an existing broker."
  value       = local.configures ? local.broker_xml : null
}

output "configuration_id" {
  description = "Id of the broker's configuration; null where it has none: RabbitMQ and an existing broker."
  value       = one(aws_mq_configuration.this[*].id)
}

output "configuration_revision" {
  description = "Revision of the configuration that the broker uses; null where it has none."
  value       = one(aws_mq_configuration.this[*].latest_revision)
}

output "endpoints" {
  description = "Addresses by protocol, one for each node: openwire, amqp, stomp, mqtt and websocket of ActiveMQ, amqp of RabbitMQ."
  value       = local.endpoints
}

output "engine_type" {
  description = "Engine of the broker, ActiveMQ or RabbitMQ."
  value       = var.engine_type
}

output "initial_password" {
  description = "Password of RabbitMQ's one user, in the state after the apply that makes the broker and until the next one: read it at once and change it. Null for ActiveMQ."
  value       = var.engine_type == "RabbitMQ" && local.makes_broker ? one(one(aws_mq_broker.this[*].user)[*].password) : null
  sensitive   = true
}

output "log_group_names" {
  description = "CloudWatch log groups of the broker."
  value       = local.makes_broker ? [for group in local.log_groups : group.name] : var.existing.log_group_names
}

output "node_names" {
  description = "Values of the dimension Broker in CloudWatch: one for each node of ActiveMQ, the broker's name for RabbitMQ."
  value       = local.node_names
}

output "queue_names" {
  description = "Every queue that is declared, dead-letter queues included; RabbitMQ declares none."
  value       = var.engine_type == "ActiveMQ" ? local.queue_names : []
}

output "stomp_endpoints" {
  description = "Addresses for STOMP over TLS, one for each node; RabbitMQ has none."
  value       = local.endpoints["stomp"]
}

output "user_names" {
  description = "Users that the broker is made with, the administrator first; none for an existing broker."
  value       = local.makes_broker ? concat([var.admin_username], keys(var.users)) : []
}
