output "alarm_names" {
  description = "Names of all CloudWatch alarms."
  value       = module.monitoring.alarm_names
}

output "api_log_group_name" {
  description = "Log group of the API; null without an API."
  value       = one([for web in module.web : web.log_group_name if var.enable_api])
}

output "api_service_name" {
  description = "Name of the ECS service of the API; null without an API."
  value       = one(module.web[*].service_name)
}

output "api_task_definition_arn" {
  description = "ARN of the task definition of the API with revision; null without an API."
  value       = one(module.web[*].task_definition_arn)
}

output "api_url" {
  description = "URL of the API and its page; null without an API."
  value       = one([for web in module.web : web.url if var.enable_api])
}

output "broker_arn" {
  description = "ARN of the broker; null without one."
  value       = one(module.messaging[*].broker_arn)
}

output "broker_configuration" {
  description = "ID and revision of the broker's configuration; null without a broker."
  value = one([for broker in module.messaging : {
    id       = broker.configuration_id
    revision = broker.configuration_revision
  }])
}

output "broker_id" {
  description = "ID of the broker; null without one."
  value       = one(module.messaging[*].broker_id)
}

output "broker_name" {
  description = "Name of the broker; null without one."
  value       = one(module.messaging[*].broker_name)
}

output "broker_node_names" {
  description = "Values of the CloudWatch dimension Broker; empty without a broker."
  value       = flatten(module.messaging[*].node_names)
}

output "broker_users" {
  description = "SSM parameter of the password by broker user, for users whose password gradectl sets; empty for an existing broker and without one."
  value       = local.broker_users
}

output "bucket_name" {
  description = "Bucket of submissions, problems and results."
  value       = module.storage.bucket_name
}

output "cluster_arn" {
  description = "ARN of the ECS cluster of the workers."
  value       = module.ecs_grading.cluster_arn
}

output "cluster_name" {
  description = "Name of the ECS cluster of the workers."
  value       = module.ecs_grading.cluster_name
}

output "container_name" {
  description = "Name of the worker container."
  value       = module.ecs_grading.container_name
}

output "database_connect_policy_json" {
  description = "IAM policy document that allows logging in to the database as the application user with an IAM token; null without db_enable_iam_authentication."
  value       = module.database.connect_policy_json
}

output "database_endpoint" {
  description = "Endpoint of the database as host:port."
  value       = module.database.endpoint
}

output "database_identifier" {
  description = "Identifier of the database instance."
  value       = module.database.identifier
}

output "database_user_role_arn" {
  description = "ARN of the role of the task that creates the application user of the database."
  value       = aws_iam_role.database_user.arn
}

output "environment_name" {
  description = "Name of the environment."
  value       = var.environment_name
}

output "log_group_name" {
  description = "Log group of the workers."
  value       = module.ecs_grading.log_group_name
}

output "nat_public_ips" {
  description = "Public IP addresses of the NAT gateways; empty without NAT."
  value       = module.network.nat_public_ips
}

output "parameter_names" {
  description = "Full names of the SSM parameters by part and key."
  value = merge(
    { db = module.db_parameters.names, db-app = module.db_app_parameters.names },
    { for part, parameters in {
      db-web  = module.db_web_parameters
      mq      = module.mq_parameters
      redis   = module.redis_parameters
      sqs     = module.sqs_parameters
      webhook = module.webhook_parameters
    } : part => parameters[0].names if length(parameters) > 0 },
    { for role, parameters in module.mq_user_parameters : "mq-${role}" => parameters.names },
  )
}

output "private_subnet_ids" {
  description = "IDs of the private subnets."
  value       = module.network.private_subnet_ids
}

output "public_subnet_ids" {
  description = "IDs of the public subnets."
  value       = module.network.public_subnet_ids
}

output "queue_names" {
  description = "Queue name by purpose: dead_letter, priority, requests, results."
  value       = local.queues
}

output "redis_password_parameter" {
  description = "SSM parameter with the token of Redis, which gradectl sets in ElastiCache; null for an existing Redis and without one."
  value       = local.creates_redis ? module.redis_parameters[0].names["password"] : null
}

output "redis_replication_group_id" {
  description = "ID of the replication group of Redis; null for an existing Redis and without one."
  value       = one(module.redis[*].replication_group_id)
}

output "region" {
  description = "AWS region of all resources."
  value       = var.aws_region
}

output "scaling_bounds" {
  description = "Minimum and maximum number of workers."
  value       = module.ecs_grading.scaling_bounds
}

output "security_group_ids" {
  description = "Security group by role: web, worker, and those of broker, database, endpoints and load_balancer that are created."
  value       = module.network.security_group_ids
}

output "service_name" {
  description = "Name of the ECS service of the workers."
  value       = module.ecs_grading.service_name
}

output "sqs_operator_policy_json" {
  description = "IAM policy document that allows operators to inspect, move and purge messages of the SQS queues; null without them."
  value       = one(module.sqs[*].operator_policy_json)
}

output "sqs_queue_names" {
  description = "Name of the SQS queue by purpose; empty without them."
  value       = length(module.sqs) > 0 ? module.sqs[0].names : {}
}

output "sqs_queue_urls" {
  description = "URL of the SQS queue by purpose; empty without them."
  value       = length(module.sqs) > 0 ? module.sqs[0].urls : {}
}

output "stomp_endpoints" {
  description = "STOMP endpoints of the broker over TLS; empty without a broker."
  value       = flatten(module.messaging[*].stomp_endpoints)
}

output "task_definition_arn" {
  description = "ARN of the task definition with revision; null with ecs_ignore_task_definition_changes, where another may be deployed."
  value       = var.ecs_ignore_task_definition_changes ? null : module.ecs_grading.task_definition_arn
}

output "task_family" {
  description = "Family of the task definition."
  value       = module.ecs_grading.task_family
}

output "transport" {
  description = "Transport that producers use: broker or sqs."
  value       = var.use_sqs_queue ? "sqs" : "broker"
}

output "vpc_id" {
  description = "ID of the VPC."
  value       = module.network.vpc_id
}

output "web_autoscaling_group_name" {
  description = "Name of the Auto Scaling group of the web tier; null without a web tier on instances."
  value       = one(module.web[*].autoscaling_group_name)
}

output "web_load_balancer_dns_name" {
  description = "DNS name of the load balancer, for a CNAME or alias record; null without web tier and API."
  value       = one(module.web[*].load_balancer_dns_name)
}

output "web_load_balancer_zone_id" {
  description = "Hosted zone ID of the load balancer, for an alias record; null without web tier and API."
  value       = one(module.web[*].load_balancer_zone_id)
}

output "web_url" {
  description = "URL of the web tier; null without a web tier."
  value       = one([for web in module.web : web.url if var.enable_web_tier])
}
