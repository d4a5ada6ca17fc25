locals {
  # The load balancer has one application behind it: the HTTP API as an ECS service, or another one on instances.
  has_web = var.enable_web_tier || var.enable_api

  # What the API needs besides.
  api_environment = merge(local.webhook_hosts, local.sqs_environments["api"], [for parameters in module.db_web_parameters : {
    API_HOST          = "0.0.0.0"
    API_KEYS_PREFIX   = local.api_keys_prefix
    API_PORT          = tostring(var.web_port)
    DB_ENDPOINT_PARAM = module.db_parameters.names["endpoint"]
    DB_NAME_PARAM     = module.db_parameters.names["name"]
    DB_PASSWORD_PARAM = parameters.names["password"]
    DB_USERNAME_PARAM = parameters.names["username"]
  }]...)
  api_policies = merge(
    {
      api-keys      = local.api_keys_policy
      bucket        = module.storage.api_policy_json
      db-parameters = module.db_parameters.reader_policies["web"]
    },
    { for index, parameters in module.db_web_parameters : "db-web-parameters" => parameters.reader_policy_json },
    local.sqs_policies["api"],
  )

  # Environment of the web application, with the same names as that of the workers.
  web_environment = merge(local.mq_environments["web"], local.sqs_environments["web"], local.redis_environment, var.enable_api ? local.api_environment : {}, {
    AWS_REGION          = var.aws_region
    ENVIRONMENT         = var.environment_name
    GRADING_BUCKET      = module.storage.bucket_name
    PRIORITY_QUEUE_NAME = local.queues.priority
    QUEUE_NAME          = local.queues.requests
    RESULT_QUEUE_NAME   = local.queues.results
  })

  # The load balancer appends the address of its client; web_settings has the number where more proxies are in front.
  web_all_environment = merge(var.enable_api ? { API_TRUSTED_PROXIES = "1" } : {}, var.web_settings, local.web_environment)

  # A load balancer accepts one subnet per zone: the first ones, which the instances use too.
  web_subnet_ids = {
    for kind, ids in { private = module.network.private_subnet_ids, public = module.network.public_subnet_ids } :
    kind => var.vpc_existing == null ? slice(ids, 0, length(var.availability_zone_suffixes)) : ids
  }
}

module "web" {
  source = "../modules/web"
  count  = local.has_web ? 1 : 0

  environment_name = var.environment_name
  region           = var.aws_region
  vpc_id           = module.network.vpc_id
  subnet_ids       = local.web_subnet_ids
  security_group_ids = {
    load_balancer = module.network.security_group_ids.load_balancer
    web           = module.network.security_group_ids.web
  }

  application = {
    command            = var.enable_api ? ["grader", "api"] : var.web_command
    health_check_path  = var.web_health_check_path
    image              = var.enable_api ? coalesce(var.grading_container_image, local.no_image) : var.web_container_image
    log_kms_key_arn    = var.kms_key_arn
    log_retention_days = var.log_retention_days
    port               = var.web_port

    service = !var.enable_api ? null : {
      architecture = var.ecs_architecture
      cluster_name = module.ecs_grading.cluster_name
      cpu          = var.api_task_cpu
      desired      = var.web_desired_count
      max          = var.web_max_capacity
      memory       = var.api_task_memory
      min          = var.web_min_capacity

      repository_credentials_arn = var.ecs_repository_credentials_arn
      secret_kms_key_arns        = var.ecs_repository_credentials_arn == null ? [] : var.ecs_secret_kms_key_arns
    }
  }
  environment = local.web_all_environment
  policies = merge(
    lookup(local.mq_policies, "web", {}), local.redis_policies,
    var.enable_api ? local.api_policies : merge({ bucket = module.storage.web_policy_json }, local.sqs_policies["web"]),
  )

  instances = {
    desired     = var.web_desired_count
    image_id    = var.web_image_id
    kms_key_arn = var.kms_key_arn
    max         = var.web_max_capacity
    min         = var.web_min_capacity
    type        = var.web_instance_type
  }
  scaling = {
    cpu_percent = var.web_cpu_target_value
    # The API waits more than it computes: callers and streams take connections and little CPU. 3000 a minute, 50 a
    # second, is half of what one process answers within 50 ms in the benchmark.
    requests_per_target = var.web_requests_target_value == null && var.enable_api && var.web_cpu_target_value != null ? 3000 : var.web_requests_target_value
  }
  ssh = var.enable_ssh_access && var.web_ssh_key_name != null ? { key_name = var.web_ssh_key_name } : null

  certificate_arn = var.web_certificate_arn
  waf_acl_arn     = var.web_waf_acl_arn
  access_logs     = var.web_access_logs == null ? null : merge(var.web_access_logs, { force_destroy = !var.enable_data_protection })
  load_balancer = {
    deletion_protection = var.enable_data_protection
    domain_name         = var.web_domain_name
    internal            = var.web_enable_internal
    waf                 = var.web_waf
    zone_id             = var.web_hosted_zone_id
  }
}
