resource "aws_ssm_parameter" "this" {
  # checkov:skip=CKV2_AWS_34: not a secret; those are below
  for_each = var.values

  name  = "${local.prefix}/${each.key}"
  type  = "String"
  value = each.value
}

resource "aws_ssm_parameter" "secret" {
  # checkov:skip=CKV_AWS_337: encrypted with the key of SSM
  for_each = var.secret_versions

  name             = "${local.prefix}/${each.key}"
  type             = "SecureString"
  value_wo         = var.secret_values[each.key] # write-only: sent to SSM, never kept in the state
  value_wo_version = each.value
}

locals {
  prefix     = "/${var.environment_name}/${var.part}"
  parameters = merge(aws_ssm_parameter.this, aws_ssm_parameter.secret)
}
