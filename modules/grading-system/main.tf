# The workers with their parameters and alarms, and their security group where none is given.

locals {
  name        = "${var.environment_name}-grading"
  owns_group  = var.network.security_group_ids == null
  worker_port = { broker = 61614, database = 3306 } # the ports that module.network allows to workers

  security_group_ids = local.owns_group ? one(module.network[*].security_group_ids) : var.network.security_group_ids

  queues = {
    dead_letter = lookup(var.settings, "DLQ_NAME", "grading-dlq")
    priority    = lookup(var.settings, "PRIORITY_QUEUE_NAME", "grading-priority")
    requests    = lookup(var.settings, "QUEUE_NAME", "grading-requests")
  }

  # Both exist while the transport changes.
  has_broker = length(var.broker.node_names) > 0
  has_sqs    = var.broker.sqs != null

  # Required variables of the worker: DB_NAME_PARAM has the name of the parameter db-name, and so on.
  parameter_keys = ["db-endpoint", "db-name", "db-password", "db-username", "mq-endpoint", "mq-password", "mq-username"]
  variable_names = concat(["AWS_REGION", "ENVIRONMENT", "GRADING_BUCKET"], [
    for key in local.parameter_keys : "${upper(replace(key, "-", "_"))}_PARAM"
  ])
  environment = merge(
    var.settings,
    local._sqs_environment,
    zipmap(slice(local.variable_names, 0, 3), [var.region, var.environment_name, var.storage.bucket_name]),
    { for key, name in module.parameters.names : "${upper(replace(key, "-", "_"))}_PARAM" => name },
  )

  _sqs_environment = merge(local.has_broker && local.has_sqs ? { DRAIN_OTHER_TRANSPORT = "true" } : {}, [for sqs in var.broker.sqs[*] : {
    SQS_DLQ_URL            = sqs.urls.dead_letter
    SQS_PRIORITY_QUEUE_URL = sqs.urls.priority == null ? "" : sqs.urls.priority # empty: no such queue
    SQS_QUEUE_URL          = sqs.urls.requests
    SQS_RESULT_QUEUE_URL   = sqs.urls.results
    SQS_VISIBILITY_SECONDS = tostring(sqs.visibility_seconds)
    SQS_WAIT_SECONDS       = tostring(sqs.wait_seconds)
    USE_SQS_QUEUE          = tostring(sqs.active)
  }]...)

  parameters = merge(
    {
      db-endpoint = var.database.endpoint
      db-name     = var.database.database_name
      db-username = var.database.username
    },
    local.has_broker ? { mq-endpoint = join(",", var.broker.stomp_endpoints), mq-username = var.broker.username } : {},
  )
  password_versions = merge(
    { db-password = var.database.password_version },
    local.has_broker ? { mq-password = var.broker.password_version } : {},
  )

  # Fargate does not accept keys that are replicated to other regions.
  disk_key_arn = var.kms_key_arn == null ? null : strcontains(var.kms_key_arn, ":key/mrk-") ? null : var.kms_key_arn
}

module "network" {
  source = "../network"
  count  = local.owns_group ? 1 : 0

  name                  = local.name
  region                = var.region
  broker_ports          = local.has_broker ? [local.worker_port.broker] : []
  internet_egress_roles = var.network.internet_egress ? ["worker"] : []

  existing = {
    vpc_id             = var.network.vpc_id
    vpc_cidr_block     = var.network.vpc_cidr_block
    private_subnet_ids = var.network.private_subnet_ids
    s3_prefix_list_id  = var.network.s3_prefix_list_id
    endpoints          = var.network.endpoints
    broker             = local.has_broker ? { security_group_ids = var.broker.security_group_ids, cidr_blocks = var.broker.cidr_blocks } : null
    database           = { security_group_ids = var.database.security_group_ids, cidr_blocks = var.database.cidr_blocks }
    web                = { cidr_blocks = [var.network.vpc_cidr_block] } # not of this module: gets neither group nor rule
  }
}

module "parameters" {
  source = "../parameters"

  environment_name = var.environment_name
  part             = "worker"
  kms_key_arn      = var.kms_key_arn
  values           = local.parameters
  secret_versions  = local.password_versions
  secret_values = merge(
    { db-password = var.passwords.database },
    local.has_broker ? { mq-password = var.passwords.broker } : {},
  )
}

module "ecs_grading" {
  source = "../ecs-grading"

  environment_name   = var.environment_name
  region             = var.region
  image              = var.image
  environment        = local.environment
  subnet_ids         = var.network.private_subnet_ids
  security_group_ids = [local.security_group_ids["worker"]]
  task               = merge(var.task, { ephemeral_storage_kms_key_arn = local.disk_key_arn })
  capacity           = var.capacity
  scaling            = var.scaling

  queue = {
    broker_node_names = var.broker.node_names
    names             = [local.queues.requests, local.queues.priority]
    sqs_queue_names   = flatten([for sqs in var.broker.sqs[*] : compact([sqs.names.requests, sqs.names.priority])])
  }

  service = {
    allow_task_protection          = var.service.allow_task_protection
    ignore_task_definition_changes = var.service.ignore_task_definition_changes
    log                            = { kms_key_arn = var.kms_key_arn, retention_days = var.service.log_retention_days }
  }

  task_policies = merge(
    { bucket = var.storage.worker_policy_json, parameters = module.parameters.reader_policy_json },
    [for sqs in var.broker.sqs[*] : { sqs = sqs.worker_policy_json }]...
  )
}

module "monitoring" {
  source = "../monitoring"
  count  = var.alarms == null ? 0 : 1

  environment_name      = var.environment_name
  alarm_action_arns     = var.alarms.action_arns
  broker                = local.has_broker ? { instance_type = var.broker.instance_type, node_names = var.broker.node_names } : null
  sqs_queue_names       = one(var.broker.sqs[*].names)
  database_identifier   = var.database.identifier
  disabled_alarms       = var.alarms.disabled
  queue_size_alarm_name = coalesce(var.alarms.queue_size_alarm_name, "${local.name}-queue-size-high")
  queues                = local.queues
  topic                 = { email_addresses = var.alarms.email_addresses }

  service = {
    cluster_name    = module.ecs_grading.cluster_name
    log_kms_key_arn = var.kms_key_arn
    service_name    = module.ecs_grading.service_name
    min_tasks       = module.ecs_grading.min_tasks
  }
}
