# The wiring, in the order in which data flows. Values are in <environment>/terraform.tfvars.

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

  # ECS on EC2 needs its own control endpoints besides what every task needs.
  interface_endpoints = concat(
    ["ecr.api", "ecr.dkr", "logs", "ssm"],
    var.use_fargate ? [] : ["ecs", "ecs-agent", "ecs-telemetry"],
  )
}

module "network" {
  source = "../modules/network"

  name                = local.name
  region              = var.aws_region
  cidr_block          = var.vpc_cidr_block
  availability_zones  = [for suffix in var.availability_zone_suffixes : "${var.aws_region}${suffix}"]
  interface_endpoints = local.interface_endpoints
  allow_web_to_worker = var.enable_ecs_alb_access
  ssh_cidr_blocks     = var.enable_ssh_access ? coalescelist(var.ssh_cidr_blocks, [var.vpc_cidr_block]) : []
}

module "storage" {
  source = "../modules/storage"

  bucket_name       = coalesce(var.s3_bucket_name, "${var.environment_name}-grading-files")
  enable_versioning = var.enable_s3_versioning
  force_destroy     = !var.enable_data_protection

  lifecycle_days = var.enable_s3_lifecycle ? {
    # S3 bills at least 30 days of STANDARD_IA: archiving pays only when that much life is left.
    archive    = var.s3_lifecycle_expiration_days >= 60 ? 30 : null
    expiration = var.s3_lifecycle_expiration_days
  } : null
}

module "messaging" {
  source = "../modules/messaging"

  name               = "${local.name}-mq"
  engine_type        = var.mq_engine_type
  engine_version     = var.mq_engine_version
  instance_type      = var.mq_instance_type
  deployment_mode    = var.mq_deployment_mode
  admin_username     = var.mq_admin_username
  queues             = [local.queues.priority, local.queues.requests, local.queues.results]
  queue_policies     = { ">" = { dead_letter_queue = local.queues.dead_letter } }
  logs               = { general = true, audit = var.mq_enable_audit_logs }
  subnet_ids         = module.network.private_subnet_ids
  security_group_ids = [module.network.security_group_ids.broker]
}

module "database" {
  source = "../modules/database"

  name                   = local.name
  instance_class         = var.db_instance_class
  multi_az               = var.db_multi_az
  enable_protection      = var.enable_data_protection
  backup_retention_days  = var.enable_data_protection ? 7 : 0
  admin_username         = var.db_admin_username
  admin_password         = local.db_admin_password
  admin_password_version = module.db_parameters.secret_versions["password"] # kept before it is used
  subnet_ids             = module.network.private_subnet_ids
  security_group_ids     = [module.network.security_group_ids.database]
}

locals {
  # gradectl always gives both. With plain Terraform they may be left away: then they are generated,
  # once, because a write-only value is sent only when its version changes.
  mq_admin_password = coalesce(var.mq_admin_password, uuid())
  db_admin_password = coalesce(var.db_admin_password, uuid())
}

module "mq_parameters" {
  source = "../modules/parameters"

  environment_name = var.environment_name
  part             = "mq"
  values = {
    broker-endpoint = coalesce(var.mq_broker_endpoint_override, join(",", module.messaging.stomp_endpoints))
    username        = var.mq_admin_username
  }
  secret_versions = { password = var.mq_admin_password_version }
  secret_values   = { password = local.mq_admin_password }
}

module "db_parameters" {
  source = "../modules/parameters"

  environment_name = var.environment_name
  part             = "db"
  values = {
    endpoint = coalesce(var.db_endpoint_override, module.database.endpoint)
    name     = module.database.database_name
    username = var.db_admin_username
  }
  secret_versions = { password = var.db_admin_password_version }
  secret_values   = { password = local.db_admin_password }
}

locals {
  bootstrap_image = join("", [
    data.aws_caller_identity.current.account_id, ".dkr.ecr.", var.aws_region, ".amazonaws.com/",
    "${var.environment_name}-grading-worker:latest",
  ])

  # Health is for the container itself, unless a load balancer may ask too.
  health_settings = var.enable_ecs_alb_access ? { HEALTH_HOST = "0.0.0.0" } : {}

  # What the worker is told; everything else has a default in the worker.
  worker_environment = merge(var.grading_worker_settings, local.health_settings, {
    AWS_REGION          = var.aws_region
    DB_ENDPOINT_PARAM   = module.db_parameters.names["endpoint"]
    DB_NAME_PARAM       = module.db_parameters.names["name"]
    DB_PASSWORD_PARAM   = module.db_parameters.names["password"]
    DB_USERNAME_PARAM   = module.db_parameters.names["username"]
    DLQ_NAME            = local.queues.dead_letter
    ENVIRONMENT         = var.environment_name
    GRADING_BUCKET      = module.storage.bucket_name
    MQ_ENDPOINT_PARAM   = module.mq_parameters.names["broker-endpoint"]
    MQ_PASSWORD_PARAM   = module.mq_parameters.names["password"]
    MQ_USERNAME_PARAM   = module.mq_parameters.names["username"]
    PRIORITY_QUEUE_NAME = local.queues.priority
    QUEUE_NAME          = local.queues.requests
    RESULT_QUEUE_NAME   = local.queues.results
  })
}

module "ecs_grading" {
  source = "../modules/ecs-grading"

  environment_name   = var.environment_name
  region             = var.aws_region
  image              = coalesce(var.grading_container_image, local.bootstrap_image)
  task               = { cpu = var.ecs_task_cpu, memory = var.ecs_task_memory }
  environment        = local.worker_environment
  subnet_ids         = module.network.private_subnet_ids
  security_group_ids = [module.network.security_group_ids.worker]
  service_discovery  = var.enable_service_discovery ? { vpc_id = module.network.vpc_id } : null

  ec2_capacity = var.use_fargate ? null : {
    instance_type = var.ecs_instance_type
    max_instances = max(var.ecs_max_capacity, var.ecs_desired_count)
  }

  capacity           = { desired = var.ecs_desired_count, min = var.ecs_min_capacity, max = var.ecs_max_capacity }
  enable_autoscaling = var.enable_ecs_autoscaling
  scaling            = { cpu_target = var.ecs_cpu_target_value, memory_target = var.ecs_memory_target_value }
  queue = {
    broker_node_names = module.messaging.node_names
    names             = [local.queues.requests, local.queues.priority]
  }

  task_policies = {
    bucket        = module.storage.worker_policy_json
    db-parameters = module.db_parameters.reader_policy_json
    mq-parameters = module.mq_parameters.reader_policy_json
  }
}

module "monitoring" {
  source = "../modules/monitoring"

  broker_node_name  = module.messaging.node_names[0]
  queue_name        = local.queues.requests
  alarm_action_arns = var.alarm_action_arns
}
