resource "aws_cloudwatch_log_resource_policy" "this" {
  count = local.logs_wanted ? 1 : 0

  policy_name = "${var.name}-amazonmq-logs"
  policy_document = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "mq.amazonaws.com" }
      Action    = ["logs:CreateLogStream", "logs:PutLogEvents"]
      # Amazon MQ names its log groups after the broker's id, which is not known before it exists.
      Resource = "arn:aws:logs:*:*:log-group:/aws/amazonmq/*"
    }]
  })
}
