# Rendered from environment.yaml by `gradectl render local-sqs`. Change that file, not this one.
bucket       = "local-sqs-gradectl-state-123456789012"
encrypt      = true
key          = "terraform.tfstate"
region       = "ap-northeast-2"
use_lockfile = true

# The emulated API has one host for all buckets, and no credentials to check.
skip_credentials_validation = true
skip_metadata_api_check     = true
skip_requesting_account_id  = true
use_path_style              = true
