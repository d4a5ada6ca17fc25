locals {
  # Environment of the web application, with the same names as that of the workers.
  web_environment = merge(local.mq_environments["web"], local.sqs_environments["web"], {
    AWS_REGION          = var.aws_region
    ENVIRONMENT         = var.environment_name
    GRADING_BUCKET      = module.storage.bucket_name
    PRIORITY_QUEUE_NAME = local.queues.priority
    QUEUE_NAME          = local.queues.requests
    RESULT_QUEUE_NAME   = local.queues.results
  })

  # A load balancer accepts one subnet per zone: the first ones, which the instances use too.
  web_subnet_ids = {
    for kind, ids in { private = module.network.private_subnet_ids, public = module.network.public_subnet_ids } :
    kind => var.vpc_existing == null ? slice(ids, 0, length(var.availability_zone_suffixes)) : ids
  }
}

module "web" {
  source = "../modules/web"
  count  = var.enable_web_tier ? 1 : 0

  environment_name = var.environment_name
  region           = var.aws_region
  vpc_id           = module.network.vpc_id
  subnet_ids       = local.web_subnet_ids
  security_group_ids = {
    load_balancer = module.network.security_group_ids.load_balancer
    web           = module.network.security_group_ids.web
  }

  application = {
    command            = var.web_command
    health_check_path  = var.web_health_check_path
    image              = var.web_container_image
    log_kms_key_arn    = var.kms_key_arn
    log_retention_days = var.log_retention_days
    port               = var.web_port
  }
  environment = merge(var.web_settings, local.web_environment)
  policies    = merge({ bucket = module.storage.web_policy_json }, lookup(local.mq_policies, "web", {}), local.sqs_policies["web"])

  instances = {
    desired     = var.web_desired_count
    image_id    = var.web_image_id
    kms_key_arn = var.kms_key_arn
    max         = var.web_max_capacity
    min         = var.web_min_capacity
    type        = var.web_instance_type
  }
  scaling = { cpu_percent = var.web_cpu_target_value, requests_per_target = var.web_requests_target_value }
  ssh     = var.enable_ssh_access && var.web_ssh_key_name != null ? { key_name = var.web_ssh_key_name } : null

  certificate_arn = var.web_certificate_arn
  waf_acl_arn     = var.web_waf_acl_arn
  access_logs     = var.web_access_logs == null ? null : merge(var.web_access_logs, { force_destroy = !var.enable_data_protection })
  load_balancer = {
    deletion_protection = var.enable_data_protection
    domain_name         = var.web_domain_name
    internal            = var.web_enable_internal
  }
}
