# The account of production: its state, its role, and what differs from other accounts.
terraform {
  required_version = ">= 1.11"

  backend "s3" {
    bucket              = "production-exams-state-222222222222"
    key                 = "grading.tfstate"
    region              = "ap-northeast-2"
    encrypt             = true
    use_lockfile        = true
    allowed_account_ids = ["222222222222"]
    assume_role         = { role_arn = "arn:aws:iam::222222222222:role/terraform-exams" }
  }
}

provider "aws" {
  region              = "ap-northeast-2"
  allowed_account_ids = ["222222222222"]
  assume_role { role_arn = "arn:aws:iam::222222222222:role/terraform-exams" }
  default_tags { tags = { Project = "exams", Environment = "production", ManagedBy = "Terraform" } }
  ignore_tags { key_prefixes = ["gradectl:"] } # versions of the passwords that the broker's users have
}

module "system" {
  source = "../system"
  name   = "production"
  nat    = "per_zone"
  broker = { instance_type = "mq.m5.large", deployment_mode = "ACTIVE_STANDBY_MULTI_AZ" }
  copies = { account_id = "333333333333", bucket_arn = "arn:aws:s3:::example-production-grading-copies" }
}

# of which `gradectl broker-users sync` ends the passwords in the state
output "broker_id" { value = module.system.broker_id }
output "broker_users" { value = module.system.broker_users }
