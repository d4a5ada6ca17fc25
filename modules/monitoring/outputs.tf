output "alarm_names" {
  description = "Names of the alarms."
  value       = [aws_cloudwatch_metric_alarm.queue_size_high.alarm_name]
}
