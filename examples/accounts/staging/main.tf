# The account of staging: its state, its role, and what differs from other accounts.
terraform {
  required_version = ">= 1.11"

  backend "s3" {
    bucket              = "staging-exams-state-111111111111"
    key                 = "grading.tfstate"
    region              = "ap-northeast-2"
    encrypt             = true
    use_lockfile        = true
    allowed_account_ids = ["111111111111"]
    assume_role         = { role_arn = "arn:aws:iam::111111111111:role/terraform-exams" }
  }
}

provider "aws" {
  region              = "ap-northeast-2"
  allowed_account_ids = ["111111111111"]
  assume_role { role_arn = "arn:aws:iam::111111111111:role/terraform-exams" }
  default_tags { tags = { Project = "exams", Environment = "staging", ManagedBy = "Terraform" } }
  ignore_tags { key_prefixes = ["gradectl:"] } # versions of the passwords that the broker's users have
}

module "system" {
  source = "../system"
  name   = "staging"
}

# of which `gradectl broker-users sync` ends the passwords in the state
output "broker_id" { value = module.system.broker_id }
output "broker_users" { value = module.system.broker_users }
