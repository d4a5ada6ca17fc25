include "root" {
  path = find_in_parent_folders("root.hcl")
}

terraform {
  source = "git::https://git.example.com/platform/gradectl.git//modules/storage?ref=COMMIT"
}

locals {
  account = read_terragrunt_config(find_in_parent_folders("account.hcl")).locals
}

inputs = {
  bucket_name = "example-${local.account.name}-grading-files" # globally unique: choose another
}
