provider "aws" {
  region = var.aws_region

  # A plan in another account is refused by data.aws_caller_identity.current, which names both
  # accounts; the provider, which names one, is the guard of what was planned and is now applied.
  allowed_account_ids = terraform.applying && var.aws_account_id != null ? [var.aws_account_id] : null

  # An emulated control plane (AWS_ENDPOINT_URL) has one host for all buckets, no metadata service
  # and no credentials to check; what it cannot do should fail in seconds, not after 25 tries.
  s3_use_path_style           = var.emulated
  skip_credentials_validation = var.emulated
  skip_metadata_api_check     = var.emulated
  max_retries                 = var.emulated ? 2 : null

  default_tags {
    tags = merge(var.tags, local.own_tags)
  }

  # gradectl notes on a resource what it has done there, such as the password's version.
  ignore_tags {
    key_prefixes = ["gradectl:"]
  }
}
