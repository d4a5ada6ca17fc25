# Rendered from environment.yaml by `gradectl render dev`. Change that file, not this one.
bucket       = "dev-gradectl-state-123456789012"
encrypt      = true
key          = "terraform.tfstate"
region       = "ap-northeast-2"
use_lockfile = true
