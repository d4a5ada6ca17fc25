locals {
  # Results that expire are dropped, because row and result.json of the request remain.
  queue_policies = merge({ ">" = { dead_letter_queue = local.queues.dead_letter } }, var.mq_queue_policies, {
    (local.queues.results) = merge(try(var.mq_queue_policies[local.queues.results], {}), {
      expired_to_dead_letter_queue = try(coalesce(var.mq_queue_policies[local.queues.results].expired_to_dead_letter_queue), false)
    })
  })
}

module "messaging" {
  source = "../modules/messaging"
  count  = local.uses_broker ? 1 : 0

  name            = "${local.name}-mq"
  existing        = var.mq_existing
  engine_type     = var.mq_engine_type
  engine_version  = var.mq_engine_version
  instance_type   = var.mq_instance_type
  deployment_mode = var.mq_deployment_mode

  nodes = {
    apply_immediately  = var.mq_apply_immediately
    kms_key_arn        = var.kms_key_arn
    maintenance_window = var.mq_maintenance_window
    storage_type       = var.mq_storage_type
  }

  admin_username = var.mq_admin_username
  users          = { for role, group in local.roles : local.role_users[role] => { groups = [group] } }
  authorization = var.mq_enable_authorization ? {
    requests = [local.queues.requests, local.queues.priority]
    results  = [local.queues.results]
  } : null

  queues         = [local.queues.priority, local.queues.requests, local.queues.results]
  queue_policies = local.queue_policies
  logs           = { general = true, audit = var.mq_enable_audit_logs }

  subnet_ids         = module.network.private_subnet_ids
  security_group_ids = var.mq_existing == null ? [module.network.security_group_ids.broker] : []
}
