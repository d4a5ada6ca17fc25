output "cluster_name" {
  description = "Name of the cluster."
  value       = module.ecs_grading.cluster_name
}

output "environment" {
  description = "Environment variables of the worker, except those that it has from the module ecs-grading."
  value       = local.environment
}

output "log_group_name" {
  description = "Log group of the workers."
  value       = module.ecs_grading.log_group_name
}

output "min_tasks" {
  description = "Number of tasks that always run; 0 if the service may rest."
  value       = module.ecs_grading.min_tasks
}

output "parameter_names" {
  description = "Full name of each SSM parameter by key, such as mq-password; known once it is written."
  value       = module.parameters.names
}

output "service_name" {
  description = "Name of the service."
  value       = module.ecs_grading.service_name
}

output "task_definition_arn" {
  description = "ARN of the task definition with revision; null with service.ignore_task_definition_changes, where another may be deployed."
  value       = var.service.ignore_task_definition_changes ? null : module.ecs_grading.task_definition_arn
}

output "task_role_name" {
  description = "Name of the task role of the worker, for attaching more policies."
  value       = module.ecs_grading.task_role_name
}

output "topic_arn" {
  description = "Topic of the alarms; null without alarms."
  value       = one(module.monitoring[*].topic_arn)
}

output "worker_security_group_id" {
  description = "Security group of the workers, which the owners of an existing broker, database and endpoints allow; known once its rules exist."
  value       = local.security_group_ids["worker"]
}
