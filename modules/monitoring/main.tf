resource "aws_cloudwatch_metric_alarm" "queue_size_high" {
  alarm_name        = "grading-queue-size-high"
  alarm_description = "More requests wait in ${var.queue_name} than the workers take: look at the workers of the ECS service."

  namespace           = "AWS/AmazonMQ"
  metric_name         = "QueueSize"
  dimensions          = { Broker = var.broker_node_name, Queue = var.queue_name }
  statistic           = "Average"
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.queue_size_threshold
  period              = 300
  evaluation_periods  = 2
  treat_missing_data  = "notBreaching" # no data: the queue was never used

  alarm_actions = var.alarm_action_arns
  ok_actions    = var.alarm_action_arns
}
