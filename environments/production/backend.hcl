# Rendered from environment.yaml by `gradectl render production`. Change that file, not this one.
bucket       = "production-gradectl-state-123456789012"
encrypt      = true
key          = "terraform.tfstate"
region       = "ap-northeast-2"
use_lockfile = true
