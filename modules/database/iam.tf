locals {
  _enhanced = local.made == 1 && var.monitoring.enhanced_interval_seconds != null

  # arn:<partition>:logs:<region>:<account>:log-group:<name>
  _here = try(split(":", aws_cloudwatch_log_group.this["error"].arn), null)

  # RDS creates this group and writes the metrics of all instances of the account to it.
  _readings_arn = try("arn:${local._here[1]}:logs:${local._here[3]}:${local._here[4]}:log-group:RDSOSMetrics", null)

  arn         = var.existing == null ? one(aws_db_instance.this[*].arn) : var.existing.arn
  resource_id = var.existing == null ? one(aws_db_instance.this[*].resource_id) : var.existing.resource_id

  # arn:<partition>:rds:<region>:<account>:db:<identifier>
  _arn_words = try(split(":", local.arn), null)

  connect_policy = !var.application.iam_authentication ? null : {
    Version = "2012-10-17"
    Statement = [{
      Sid      = "ConnectToDatabase"
      Effect   = "Allow"
      Action   = "rds-db:connect"
      Resource = "arn:${local._arn_words[1]}:rds-db:${local._arn_words[3]}:${local._arn_words[4]}:dbuser:${local.resource_id}/${var.application.username}"
    }]
  }
}

# --- permissions of RDS for enhanced monitoring ---

resource "aws_iam_role" "monitoring" {
  count = local._enhanced ? 1 : 0

  name = "${var.name}-monitoring"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "monitoring.rds.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = local._here[4] } }
    }]
  })
}

resource "aws_iam_role_policy" "monitoring" {
  count = local._enhanced ? 1 : 0

  name = "write-readings"
  role = aws_iam_role.monitoring[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "MakeGroup"
        Effect   = "Allow"
        Action   = ["logs:CreateLogGroup", "logs:PutRetentionPolicy"]
        Resource = local._readings_arn
      },
      {
        Sid      = "WriteReadings"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:GetLogEvents", "logs:PutLogEvents"]
        Resource = "${local._readings_arn}:log-stream:*" # one stream per instance, named by its resource ID
      },
    ]
  })
}
