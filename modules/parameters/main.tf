resource "aws_ssm_parameter" "this" {
  # checkov:skip=CKV2_AWS_34: not a secret; those are below
  for_each = var.values

  name  = "${local.prefix}/${each.key}"
  type  = "String"
  tier  = var.tier
  value = each.value
}

resource "aws_ssm_parameter" "secret" {
  # checkov:skip=CKV_AWS_337: by kms_key_arn; else encrypted with the key of SSM
  for_each = var.secret_versions

  name             = "${local.prefix}/${each.key}"
  type             = "SecureString"
  tier             = var.tier
  key_id           = var.kms_key_arn
  value_wo         = var.secret_values[each.key] # write-only: sent to SSM, never kept in the state
  value_wo_version = each.value
}

locals {
  prefix     = "/${var.environment_name}/${var.part}"
  max_bytes  = var.tier == "Advanced" ? 8192 : 4096
  parameters = merge(aws_ssm_parameter.this, aws_ssm_parameter.secret)
}
