provider "aws" {
  region = var.aws_region

  # In the wrong account, data.aws_caller_identity.current rejects the plan with both account IDs;
  # the provider's check also protects the apply of a saved plan.
  allowed_account_ids = terraform.applying && var.aws_account_id != null ? [var.aws_account_id] : null

  # An emulated control plane (AWS_ENDPOINT_URL) has one host for all buckets, no metadata service
  # and no credentials to check; unsupported calls should fail in seconds, not after 25 retries.
  s3_use_path_style           = var.emulated
  skip_credentials_validation = var.emulated
  skip_metadata_api_check     = var.emulated
  max_retries                 = var.emulated ? 2 : null

  default_tags {
    tags = merge(var.tags, local.own_tags)
  }

  # gradectl records its changes in tags, such as the version of a password.
  ignore_tags {
    key_prefixes = ["gradectl:"]
  }
}
