# Created here because RDS would create them without expiry.
resource "aws_cloudwatch_log_group" "this" {
  # checkov:skip=CKV_AWS_158: monitoring.kms_key_arn sets a key; the default is the key of CloudWatch Logs
  # checkov:skip=CKV_AWS_338: monitoring.log_retention_days sets the retention per environment
  for_each = toset(var.existing == null ? ["error", "slowquery"] : [])

  name              = "/aws/rds/instance/${var.name}/${each.key}"
  retention_in_days = var.monitoring.log_retention_days
  kms_key_id        = var.monitoring.kms_key_arn
}
