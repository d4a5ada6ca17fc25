output "access_logs_bucket_name" {
  description = "Bucket of the load balancer's access log; null without a log."
  value       = local.access_logs_bucket_name
}

output "autoscaling_group_name" {
  description = "Name of the Auto Scaling group; null with a service."
  value       = one(aws_autoscaling_group.this[*].name)
}

output "container_name" {
  description = "Name of the container of a task; null without a service."
  value       = local.runs_on_instances ? null : local.container_name
}

output "instance_role_arn" {
  description = "ARN of the role of the instances and the application; null with a service."
  value       = one(aws_iam_role.instance[*].arn)
}

output "load_balancer_arn" {
  description = "ARN of the load balancer."
  value       = aws_lb.this.arn
}

output "load_balancer_arn_suffix" {
  description = "Value of the CloudWatch dimension LoadBalancer."
  value       = aws_lb.this.arn_suffix
}

output "load_balancer_dns_name" {
  description = "DNS name of the load balancer, for an alias or CNAME record."
  value       = aws_lb.this.dns_name
}

output "load_balancer_zone_id" {
  description = "Hosted zone ID of the load balancer, for an alias record."
  value       = aws_lb.this.zone_id
}

output "log_group_name" {
  description = "Log group of the application; streams are named after the host name of the instance or the ID of the task."
  value       = aws_cloudwatch_log_group.this.name
}

output "service_name" {
  description = "Name of the ECS service; null on instances."
  value       = one(values(aws_ecs_service.this)[*].name)
}

output "target_group_arn" {
  description = "ARN of the target group."
  value       = aws_lb_target_group.this.arn
}

output "target_group_arn_suffix" {
  description = "Value of the CloudWatch dimension TargetGroup."
  value       = aws_lb_target_group.this.arn_suffix
}

output "task_definition_arn" {
  description = "ARN of the task definition with revision; null on instances."
  value       = one(values(aws_ecs_task_definition.this)[*].arn)
}

output "task_role_arn" {
  description = "ARN of the role of the application in a task; null on instances."
  value       = one(values(aws_iam_role.task)[*].arn)
}

output "url" {
  description = "URL of the application; known once both listeners exist."
  value       = "https://${coalesce(var.load_balancer.domain_name, aws_lb.this.dns_name)}/"

  depends_on = [aws_lb_listener.http, aws_lb_listener.https]
}
