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
  key_id           = local.key_id
  value_wo         = var.secret_values[each.key] # write-only: sent to SSM, never kept in the state
  value_wo_version = each.value + local.rewritten
}

locals {
  prefix     = "/${var.environment_name}/${var.part}"
  max_bytes  = var.tier == "Advanced" ? 8192 : 4096
  key_id     = coalesce(var.kms_key_arn, "alias/aws/ssm")
  parameters = merge(aws_ssm_parameter.this, aws_ssm_parameter.secret)

  # SSM takes another key or tier only together with the secret, and a write-only value is sent only when its
  # version changes: so each key and tier but the first have versions of their own.
  rewritten = (
    var.kms_key_arn == null && var.tier == "Standard"
    ? 0
    : 1000000 * parseint(substr(sha256("${local.key_id} ${var.tier}"), 0, 5), 16)
  )
}
