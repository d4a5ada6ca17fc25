# Made here, or RDS would make them with no end to their retention.
resource "aws_cloudwatch_log_group" "this" {
  # checkov:skip=CKV_AWS_158: CloudWatch encrypts with its own key; monitoring.kms_key_arn chooses a key of your own
  # checkov:skip=CKV_AWS_338: for how long errors and slow queries are of use is for the environment to choose
  for_each = toset(var.existing == null ? ["error", "slowquery"] : [])

  name              = "/aws/rds/instance/${var.name}/${each.key}"
  retention_in_days = var.monitoring.log_retention_days
  kms_key_id        = var.monitoring.kms_key_arn
}
