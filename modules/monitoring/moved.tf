# The single alarm became one of many.
moved {
  from = aws_cloudwatch_metric_alarm.queue_size_high
  to   = aws_cloudwatch_metric_alarm.this["queue_size"]
}
