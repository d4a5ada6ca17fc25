output "capacity_providers" {
  description = "Capacity providers of the tasks: FARGATE, FARGATE and FARGATE_SPOT, or the one of the instances."
  value       = length(local.placement) == 0 ? tolist(["FARGATE"]) : tolist(keys(local.placement))
}

output "cluster_arn" {
  description = "ARN of the cluster."
  value       = aws_ecs_cluster.this.arn
}

output "cluster_name" {
  description = "Name of the cluster."
  value       = aws_ecs_cluster.this.name
}

output "container_name" {
  description = "Name of the worker container."
  value       = local.container_name
}

output "execution_role_arn" {
  description = "ARN of the execution role, with which ECS starts a task."
  value       = aws_iam_role.execution.arn
}

output "log_group_name" {
  description = "Log group of the workers."
  value       = aws_cloudwatch_log_group.this.name
}

output "min_tasks" {
  description = "Number of tasks that always run: the lowest minimum of capacity and schedules; 0 if the service may rest."
  value       = var.enable_autoscaling ? local.may_rest ? 0 : max(1, local.smallest) : var.capacity.desired
}

output "scaling_alarm_names" {
  description = "Alarms that scale the service from and to zero tasks; empty unless a minimum is 0."
  value       = [for alarm in values(aws_cloudwatch_metric_alarm.rest) : alarm.alarm_name]
}

output "scaling_bounds" {
  description = "Minimum and maximum number of tasks, where no schedule has set others."
  value       = local.bounds
}

output "service_arn" {
  description = "ARN of the service."
  value       = local.service.id
}

output "service_name" {
  description = "Name of the service."
  value       = local.service.name
}

output "task_definition_arn" {
  description = "ARN of the task definition with revision; with service.ignore_task_definition_changes, another may be deployed."
  value       = aws_ecs_task_definition.this.arn
}

output "task_family" {
  description = "Family of the task definition."
  value       = aws_ecs_task_definition.this.family
}

output "task_role_arn" {
  description = "ARN of the task role of the worker."
  value       = aws_iam_role.task.arn
}

output "task_role_name" {
  description = "Name of the task role of the worker, for attaching more policies."
  value       = aws_iam_role.task.name
}
