# What all parts share. The wiring follows the flow of data:
#   network.tf - storage.tf, messaging.tf, database.tf - parameters.tf - workers.tf, web.tf - monitoring.tf
# Values are in <environment>/terraform.tfvars.

data "aws_caller_identity" "current" {
  lifecycle {
    postcondition {
      condition     = var.aws_account_id == null ? true : var.aws_account_id == self.account_id
      error_message = "The credentials belong to account ${self.account_id}, but only account ${coalesce(var.aws_account_id, "any")} may be changed: use its credentials, or correct aws_account_id."
    }
  }
}

locals {
  name = "${var.environment_name}-grading"

  own_tags = {
    Environment = var.environment_name
    ManagedBy   = "terraform"
    Project     = "gradectl"
  }

  # the names that producers and consumers rely on
  queues = {
    dead_letter = "grading-dlq"
    priority    = "grading-priority"
    requests    = "grading-requests"
    results     = "grading-results"
  }

  # users of the broker beside the administrator, by role; a broker that is there already has its own
  role_groups = {
    operator = "grading-operators"
    web      = "grading-web"
    worker   = "grading-workers"
  }
  roles = var.mq_enable_role_users && var.mq_existing == null ? local.role_groups : {}
}
