resource "aws_mq_broker" "this" {
  # checkov:skip=CKV_AWS_48: on by default; the check does not see a dynamic block
  # checkov:skip=CKV_AWS_197: on by default; the check does not see a dynamic block
  # checkov:skip=CKV_AWS_209: encrypted with the key of Amazon MQ
  broker_name                = var.name
  engine_type                = var.engine_type
  engine_version             = var.engine_version
  host_instance_type         = var.instance_type
  deployment_mode            = var.deployment_mode
  subnet_ids                 = local.subnet_ids
  security_groups            = var.security_group_ids
  publicly_accessible        = false
  auto_minor_version_upgrade = true # Amazon MQ refuses false from 5.18 on
  apply_immediately          = true

  configuration {
    id       = aws_mq_configuration.this.id
    revision = aws_mq_configuration.this.latest_revision
  }

  # The provider has no write-only form for this password and would keep it in the state in clear.
  # So the broker is born with a throw-away one; the real one is set afterwards with mq UpdateUser.
  user {
    username       = var.admin_username
    password       = uuid()
    console_access = true
  }

  dynamic "logs" {
    for_each = local.logs_wanted ? [var.logs] : []

    content {
      general = logs.value.general
      audit   = logs.value.audit
    }
  }

  lifecycle {
    ignore_changes = [user]
  }

  # Amazon MQ checks at creation that it may write its logs.
  depends_on = [aws_cloudwatch_log_resource_policy.this]
}

locals {
  # Amazon MQ takes exactly one subnet for a single broker and two for a pair.
  subnet_ids  = slice(var.subnet_ids, 0, var.deployment_mode == "SINGLE_INSTANCE" ? 1 : 2)
  logs_wanted = var.logs.general || var.logs.audit

  # One list of endpoints for each node; chosen by scheme, because their order is not promised.
  stomp_endpoints = [
    for endpoint in flatten(aws_mq_broker.this.instances[*].endpoints) :
    endpoint if startswith(endpoint, "stomp+ssl://")
  ]

  # CloudWatch calls the nodes <name>-1 and, for an active/standby pair, <name>-2.
  node_names = [for index in range(length(local.subnet_ids)) : "${var.name}-${index + 1}"]
}
