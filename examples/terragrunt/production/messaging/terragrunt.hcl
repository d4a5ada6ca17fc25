include "root" {
  path = find_in_parent_folders("root.hcl")
}

terraform {
  source = "git::https://git.example.com/platform/gradectl.git//modules/messaging?ref=COMMIT"
}

locals {
  account = read_terragrunt_config(find_in_parent_folders("account.hcl")).locals
}

dependency "network" {
  config_path = "../network"

  # before the network exists
  mock_outputs_allowed_terraform_commands = ["plan", "validate"]
  mock_outputs = {
    private_subnet_ids = ["subnet-00000000", "subnet-11111111"]
    security_group_ids = { broker = "sg-00000000" }
  }
}

inputs = {
  name               = "${local.account.name}-grading-mq"
  subnet_ids         = dependency.network.outputs.private_subnet_ids
  security_group_ids = [dependency.network.outputs.security_group_ids["broker"]]
  instance_type      = local.account.broker.instance_type
  deployment_mode    = local.account.broker.deployment_mode
}
