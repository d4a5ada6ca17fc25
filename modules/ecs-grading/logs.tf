resource "aws_cloudwatch_log_group" "this" {
  # checkov:skip=CKV_AWS_158: encrypted with the key of CloudWatch Logs unless another is given
  # checkov:skip=CKV_AWS_338: how long is for the environment to choose
  name              = "/ecs/${local.name}"
  kms_key_id        = var.service.log.kms_key_arn
  retention_in_days = var.service.log.retention_days
}

# Only with execute_command: what was typed in tasks and shown.
resource "aws_cloudwatch_log_group" "sessions" {
  # checkov:skip=CKV_AWS_158: encrypted with the key of CloudWatch Logs unless another is given
  # checkov:skip=CKV_AWS_338: how long is for the environment to choose
  for_each = var.service.execute_command == null ? {} : { this = var.service.execute_command }

  name              = "/ecs/${local.name}/sessions"
  kms_key_id        = each.value.kms_key_arn
  retention_in_days = each.value.log_retention_days
}
