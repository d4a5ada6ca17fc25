locals {
  flow_logs = var.flow_logs == null ? {} : { this = var.flow_logs }
}

resource "aws_cloudwatch_log_group" "flow_logs" {
  # checkov:skip=CKV_AWS_158: flow_logs.kms_key_arn sets a key; the default is the key of CloudWatch Logs
  # checkov:skip=CKV_AWS_338: 365 days by default; flow_logs.retention_days sets the retention
  for_each = local.flow_logs

  name              = "/vpc/${var.name}"
  retention_in_days = each.value.retention_days
  kms_key_id        = each.value.kms_key_arn
}

resource "aws_iam_role" "flow_logs" {
  for_each = local.flow_logs

  name = "${var.name}-flow-logs"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "vpc-flow-logs.amazonaws.com" }
      Action    = "sts:AssumeRole"
      # restricts the role to flow logs of this account and region (confused deputy)
      Condition = {
        StringEquals = { "aws:SourceAccount" = local.account_id }
        ArnLike      = { "aws:SourceArn" = replace(aws_vpc.this[0].arn, "/:vpc/.*$/", ":vpc-flow-log/*") } # the ID of the flow log is unknown before it exists
      }
    }]
  })
}

resource "aws_iam_role_policy" "flow_logs" {
  for_each = local.flow_logs

  name = "write-flow-logs"
  role = aws_iam_role.flow_logs[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "WriteStreams"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
        Resource = [aws_cloudwatch_log_group.flow_logs[each.key].arn, "${aws_cloudwatch_log_group.flow_logs[each.key].arn}:*"] # streams of this group
      },
      {
        # the service looks the group up by name before it writes
        Sid      = "FindGroup"
        Effect   = "Allow"
        Action   = ["logs:DescribeLogGroups"]
        Resource = [replace(aws_cloudwatch_log_group.flow_logs[each.key].arn, "/:log-group:.*$/", ":log-group:*")] # DescribeLogGroups cannot be limited to one group
      },
    ]
  })
}

resource "aws_flow_log" "this" {
  for_each = local.flow_logs

  vpc_id               = local.vpc_id
  traffic_type         = each.value.traffic_type
  log_destination_type = "cloud-watch-logs"
  log_destination      = aws_cloudwatch_log_group.flow_logs[each.key].arn
  iam_role_arn         = aws_iam_role.flow_logs[each.key].arn

  tags = { Name = var.name }

  depends_on = [aws_iam_role_policy.flow_logs]
}
