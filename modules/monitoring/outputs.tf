output "alarm_arns" {
  description = "ARN of each alarm by key."
  value       = { for key, alarm in aws_cloudwatch_metric_alarm.this : key => alarm.arn }
}

output "alarm_names" {
  description = "Names of all alarms."
  value       = [for key in sort(keys(local.alarms)) : aws_cloudwatch_metric_alarm.this[key].alarm_name]
}

output "stopped_tasks_log_group_name" {
  description = "Log group with the reasons of stopped tasks; null without a service."
  value       = one(values(aws_cloudwatch_log_group.stopped_tasks)[*].name)
}

output "topic_arn" {
  description = "ARN of the module's topic; known once CloudWatch may publish to it. Null without one."
  value       = one(values(aws_sns_topic.this)[*].arn)

  depends_on = [aws_kms_key_policy.topic, aws_sns_topic_policy.this]
}
