resource "aws_ssm_parameter" "this" {
  # checkov:skip=CKV2_AWS_34: not secret; secrets are SecureStrings below
  for_each = var.values

  name  = "${local.prefix}/${each.key}"
  type  = "String"
  tier  = var.tier
  value = each.value
}

resource "aws_ssm_parameter" "secret" {
  # checkov:skip=CKV_AWS_337: kms_key_arn sets a key; the default is the key of SSM
  for_each = var.secret_versions

  name             = "${local.prefix}/${each.key}"
  type             = "SecureString"
  tier             = var.tier
  key_id           = local.key_id
  value_wo         = var.secret_values[each.key] # write-only: sent to SSM, not stored in the state
  value_wo_version = each.value + local.rewritten
}

locals {
  prefix     = "/${var.environment_name}/${var.part}"
  max_bytes  = var.tier == "Advanced" ? 8192 : 4096
  key_id     = coalesce(var.kms_key_arn, "alias/aws/ssm")
  parameters = merge(aws_ssm_parameter.this, aws_ssm_parameter.secret)

  # SSM accepts a new key or tier only with the secret, and Terraform sends a write-only value only when its
  # version changes, so each key and tier other than the first has its own range of versions.
  rewritten = (
    var.kms_key_arn == null && var.tier == "Standard"
    ? 0
    : 1000000 * parseint(substr(sha256("${local.key_id} ${var.tier}"), 0, 5), 16)
  )
}
