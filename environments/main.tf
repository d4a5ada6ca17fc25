# Shared values. The wiring follows the flow of data:
#   network.tf - storage.tf, messaging.tf, sqs.tf, database.tf, redis.tf - parameters.tf - workers.tf, web.tf - monitoring.tf
# Values of the variables are in <environment>/terraform.tfvars.

data "aws_caller_identity" "current" {
  lifecycle {
    postcondition {
      condition     = var.aws_account_id == null ? true : var.aws_account_id == self.account_id
      error_message = "The credentials belong to account ${self.account_id}, but aws_account_id allows only ${coalesce(var.aws_account_id, "any")}: use credentials of that account, or correct aws_account_id."
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

  # fixed queue names, which producers and consumers rely on
  queues = {
    dead_letter = "grading-dlq"
    priority    = "grading-priority"
    requests    = "grading-requests"
    results     = "grading-results"
  }

  # While the transport changes, both exist.
  uses_broker = !var.use_sqs_queue || var.drain_other_transport
  uses_sqs    = var.use_sqs_queue || var.drain_other_transport

  # role users of the broker, besides the administrator; an existing broker has its own users
  role_groups = {
    operator = "grading-operators"
    web      = "grading-web"
    worker   = "grading-workers"
  }
  roles = local.uses_broker && var.mq_enable_role_users && var.mq_existing == null ? local.role_groups : {}

  # The administrator may be named like a role: that role's user then has another name.
  role_users = { for role in keys(local.roles) : role => role == var.mq_admin_username ? "grading-${role}" : role }
}
