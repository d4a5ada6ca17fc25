provider "aws" {
  region              = var.aws_region
  allowed_account_ids = var.aws_account_id == null ? null : [var.aws_account_id]

  # An emulated control plane (AWS_ENDPOINT_URL) has one host for all buckets, no metadata service
  # and no credentials to check; what it cannot do should fail in seconds, not after 25 tries.
  s3_use_path_style           = var.emulated
  skip_credentials_validation = var.emulated
  skip_metadata_api_check     = var.emulated
  max_retries                 = var.emulated ? 2 : null

  default_tags {
    tags = {
      Environment = var.environment_name
      ManagedBy   = "terraform"
      Project     = "gradectl"
    }
  }

  # gradectl notes on a resource what it has done there, such as the password's version.
  ignore_tags {
    key_prefixes = ["gradectl:"]
  }
}
