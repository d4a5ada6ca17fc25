resource "aws_cloudwatch_log_group" "this" {
  # checkov:skip=CKV_AWS_158: service.log.kms_key_arn sets a key; the default is the key of CloudWatch Logs
  # checkov:skip=CKV_AWS_338: service.log.retention_days sets the retention
  name              = "/ecs/${local.name}"
  kms_key_id        = var.service.log.kms_key_arn
  retention_in_days = var.service.log.retention_days
}

# Only with execute_command: input and output of the sessions.
resource "aws_cloudwatch_log_group" "sessions" {
  # checkov:skip=CKV_AWS_158: service.execute_command.kms_key_arn sets a key; the default is the key of CloudWatch Logs
  # checkov:skip=CKV_AWS_338: service.execute_command.log_retention_days sets the retention
  for_each = var.service.execute_command == null ? {} : { this = var.service.execute_command }

  name              = "/ecs/${local.name}/sessions"
  kms_key_id        = each.value.kms_key_arn
  retention_in_days = each.value.log_retention_days
}
