locals {
  # While no image is chosen, the plan names one that no push creates. With `latest`, the first push would succeed and
  # all others fail, because the repository is immutable.
  no_image = join("", [
    data.aws_caller_identity.current.account_id, ".dkr.ecr.", var.aws_region, ".amazonaws.com/",
    "${var.environment_name}-grading-worker:not-pushed",
  ])

  # Fargate does not accept keys that are replicated to other regions.
  is_multi_region_key = var.kms_key_arn == null ? false : strcontains(var.kms_key_arn, ":key/mrk-")

  # The health endpoint listens on 127.0.0.1, unless a load balancer needs it.
  health_settings = var.enable_ecs_alb_access ? { HEALTH_HOST = "0.0.0.0" } : {}

  # Results by webhook: also the API checks the hosts of a request.
  webhook_hosts = !var.enable_webhooks ? {} : {
    WEBHOOK_ALLOWED_HOSTS = join(",", sort(var.webhook_allowed_hosts))
    WEBHOOK_PRIVATE_HOSTS = join(",", sort(var.webhook_private_hosts))
  }
  webhook_environment = merge(local.webhook_hosts, [for parameters in module.webhook_parameters : {
    WEBHOOKS_ENABLED      = "true"
    WEBHOOK_HEADERS_PARAM = parameters.names["headers"]
    WEBHOOK_SECRET_PARAM  = parameters.names["secret"]
  }]...)

  # A setting of the same name wins, for a custom handler.
  function_environment = var.enable_functions ? { "JOB_HANDLER" = "grading,function" } : {}

  # Environment of the worker; all other settings have defaults in the worker.
  worker_environment = merge(local.function_environment, var.grading_worker_settings, local.redis_environment, local.webhook_environment, local.health_settings, local.mq_environments["worker"], local.sqs_environments["worker"], {
    AWS_REGION          = var.aws_region
    DB_ENDPOINT_PARAM   = module.db_parameters.names["endpoint"]
    DB_NAME_PARAM       = module.db_parameters.names["name"]
    DB_PASSWORD_PARAM   = local.db_login["password"]
    DB_USERNAME_PARAM   = local.db_login["username"]
    DLQ_NAME            = local.queues.dead_letter
    ENVIRONMENT         = var.environment_name
    GRADING_BUCKET      = module.storage.bucket_name
    PRIORITY_QUEUE_NAME = local.queues.priority
    QUEUE_NAME          = local.queues.requests
    RESULT_QUEUE_NAME   = local.queues.results
  })
}

module "ecs_grading" {
  source = "../modules/ecs-grading"

  environment_name   = var.environment_name
  region             = var.aws_region
  image              = coalesce(var.grading_container_image, local.no_image)
  environment        = local.worker_environment
  subnet_ids         = module.network.private_subnet_ids
  security_group_ids = [module.network.security_group_ids.worker]
  service_discovery  = var.enable_service_discovery ? { vpc_id = module.network.vpc_id } : null

  task = {
    architecture                  = var.ecs_architecture
    cpu                           = var.ecs_task_cpu
    ephemeral_storage_gib         = var.ecs_ephemeral_storage_gib
    ephemeral_storage_kms_key_arn = var.use_fargate && !local.is_multi_region_key ? var.kms_key_arn : null
    memory                        = var.ecs_task_memory
    sidecars                      = var.ecs_sidecars

    repository_credentials_arn = var.ecs_repository_credentials_arn
    secret_arns                = var.ecs_secret_arns
    secret_kms_key_arns        = var.ecs_secret_kms_key_arns
  }

  ec2_capacity = var.use_fargate ? null : {
    instance_type      = var.ecs_instance_type
    max_instances      = max(var.ecs_max_capacity, var.ecs_desired_count)
    volume_kms_key_arn = var.kms_key_arn
  }

  enable_autoscaling = var.enable_ecs_autoscaling
  capacity = {
    desired = var.ecs_desired_count
    max     = var.ecs_max_capacity
    min     = var.ecs_min_capacity
    spot    = var.ecs_fargate_spot
  }
  scaling = {
    cpu_target        = var.ecs_cpu_target_value
    idle_minutes      = var.ecs_idle_minutes
    memory_target     = var.ecs_memory_target_value
    messages_per_task = var.ecs_messages_per_task
    schedules         = var.ecs_scheduled_scaling
  }
  queue = {
    broker_node_names = flatten(module.messaging[*].node_names)
    engine_type       = one(module.messaging[*].engine_type)
    names             = [local.queues.requests, local.queues.priority]
    sqs_queue_names   = compact([for purpose in ["requests", "priority"] : one(module.sqs[*].names[purpose]) if contains(keys(local.sqs_names), purpose)])
  }

  service = {
    allow_task_protection          = var.enable_ecs_task_protection
    execute_command                = var.enable_ecs_exec ? { kms_key_arn = var.kms_key_arn } : null
    ignore_task_definition_changes = var.ecs_ignore_task_definition_changes
    load_balancer                  = var.ecs_target_group_arn == null ? null : { target_group_arn = var.ecs_target_group_arn }
    log                            = { kms_key_arn = var.kms_key_arn, retention_days = var.log_retention_days }
  }

  task_policies = merge(
    { bucket = module.storage.worker_policy_json },
    local.db_policies,
    lookup(local.mq_policies, "worker", {}),
    local.sqs_policies["worker"],
    local.redis_policies,
    { for index, parameters in module.webhook_parameters : "webhook-parameters" => parameters.reader_policy_json },
  )
}
