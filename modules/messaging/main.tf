resource "aws_mq_broker" "this" {
  # checkov:skip=CKV_AWS_48: on by default; the check does not see a dynamic block
  # checkov:skip=CKV_AWS_197: on by default; the check does not see a dynamic block
  # checkov:skip=CKV_AWS_209: encrypted with the key of Amazon MQ, or with nodes.kms_key_arn; the check does not see a dynamic block
  count = local.makes_broker ? 1 : 0

  broker_name                = var.name
  engine_type                = var.engine_type
  engine_version             = local.engine_version
  host_instance_type         = local.instance_type
  deployment_mode            = var.deployment_mode
  storage_type               = var.nodes.storage_type
  subnet_ids                 = local.subnet_ids
  security_groups            = var.security_group_ids
  publicly_accessible        = false
  auto_minor_version_upgrade = true # Amazon MQ rejects false since ActiveMQ 5.18 and RabbitMQ 3.13
  apply_immediately          = var.nodes.apply_immediately

  dynamic "configuration" {
    for_each = aws_mq_configuration.this

    content {
      id       = configuration.value.id
      revision = configuration.value.latest_revision
    }
  }

  dynamic "encryption_options" {
    for_each = var.nodes.kms_key_arn == null ? [] : [var.nodes.kms_key_arn]

    content {
      kms_key_id        = encryption_options.value
      use_aws_owned_key = false
    }
  }

  # The provider has no write-only argument for these passwords and would store them in the state in plain text.
  # So users are created with throw-away passwords; the real ones are set afterwards with mq UpdateUser,
  # or for RabbitMQ, which lacks that call, by the administrator at the first login.
  dynamic "user" {
    for_each = local.users

    content {
      username       = user.key
      password       = uuid()
      console_access = user.value.console_access
      groups         = user.value.groups
    }
  }

  dynamic "logs" {
    for_each = local.logs.general || local.logs.audit ? [local.logs] : []

    content {
      general = logs.value.general
      audit   = var.engine_type == "ActiveMQ" ? logs.value.audit : null
    }
  }

  dynamic "maintenance_window_start_time" {
    for_each = var.nodes.maintenance_window == null ? [] : [var.nodes.maintenance_window]

    content {
      day_of_week = maintenance_window_start_time.value.day_of_week
      time_of_day = maintenance_window_start_time.value.time_of_day
      time_zone   = maintenance_window_start_time.value.time_zone
    }
  }

  lifecycle {
    ignore_changes = [user]
  }

  # Amazon MQ checks at creation that it can write logs.
  depends_on = [aws_cloudwatch_log_resource_policy.this]
}

locals {
  makes_broker   = var.existing == null
  engine_version = coalesce(var.engine_version, var.engine_type == "RabbitMQ" ? "4.2" : "5.18")
  instance_type  = coalesce(var.instance_type, var.engine_type == "RabbitMQ" ? "mq.m7g.medium" : "mq.t3.micro")

  # Amazon MQ requires exactly one subnet for a single broker and two for a pair.
  subnets    = { SINGLE_INSTANCE = 1, ACTIVE_STANDBY_MULTI_AZ = 2, CLUSTER_MULTI_AZ = 3 }[var.deployment_mode]
  subnet_ids = slice(var.subnet_ids, 0, min(local.subnets, length(var.subnet_ids)))

  # RabbitMQ has neither groups nor console access.
  knows_groups = var.engine_type == "ActiveMQ"
  users = {
    for name, user in merge(var.users, {
      (var.admin_username) = { console_access = true, groups = toset([local.groups.admins]) }
    }) :
    name => {
      console_access = local.knows_groups ? user.console_access : null
      groups         = local.knows_groups ? user.groups : null
    }
  }
}
