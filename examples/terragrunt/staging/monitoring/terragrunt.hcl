include "root" {
  path = find_in_parent_folders("root.hcl")
}

terraform {
  source = "git::https://git.example.com/platform/gradectl.git//modules/monitoring?ref=COMMIT"
}

locals {
  account = read_terragrunt_config(find_in_parent_folders("account.hcl")).locals
}

dependency "messaging" {
  config_path = "../messaging"

  # before the broker exists
  mock_outputs_allowed_terraform_commands = ["plan", "validate"]
  mock_outputs                            = { node_names = ["mock-1"] }
}

inputs = {
  environment_name = local.account.name
  broker           = { node_names = dependency.messaging.outputs.node_names, instance_type = local.account.broker.instance_type }
}
