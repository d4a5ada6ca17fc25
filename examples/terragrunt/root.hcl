# What all units have: the state and the provider of the account in account.hcl.
locals {
  account = read_terragrunt_config(find_in_parent_folders("account.hcl")).locals
}

remote_state {
  backend = "s3"
  generate = {
    path      = "backend.tf"
    if_exists = "overwrite_terragrunt"
  }
  config = {
    bucket       = "${local.account.name}-exams-state-${local.account.id}"
    key          = "${path_relative_to_include()}/terraform.tfstate"
    region       = "ap-northeast-2"
    encrypt      = true
    use_lockfile = true
    assume_role  = { role_arn = "arn:aws:iam::${local.account.id}:role/terraform-exams" }
  }
}

generate "provider" {
  path      = "provider.tf"
  if_exists = "overwrite_terragrunt"
  contents  = <<-EOT
    provider "aws" {
      region              = "ap-northeast-2"
      allowed_account_ids = ["${local.account.id}"]
      assume_role { role_arn = "arn:aws:iam::${local.account.id}:role/terraform-exams" }
      default_tags { tags = { Project = "exams", ManagedBy = "Terragrunt" } }
      ignore_tags { key_prefixes = ["gradectl:"] } # versions of the passwords that the broker's users have
    }
  EOT
}
