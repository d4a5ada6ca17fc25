module "redis" {
  source = "../modules/redis"
  count  = var.enable_redis ? 1 : 0

  name = "${local.name}-redis"
  existing = var.redis_existing == null ? null : {
    security_group_ids = var.redis_existing.security_group_ids
    cidr_blocks        = var.redis_existing.cidr_blocks
  }
  port = var.redis_existing == null ? 6379 : var.redis_existing.port

  vpc_id                    = module.network.vpc_id
  subnet_ids                = module.network.private_subnet_ids
  client_security_group_ids = { for role in ["web", "worker"] : role => module.network.security_group_ids[role] }

  node_type          = var.redis_node_type
  nodes              = var.redis_nodes
  kms_key_arn        = var.kms_key_arn
  maintenance_window = var.redis_maintenance_window
}

locals {
  creates_redis = var.enable_redis && var.redis_existing == null

  # SSM parameters with URL and token: those of this environment, or those given
  redis_parameters = !var.enable_redis ? null : local.creates_redis ? module.redis_parameters[0].names : {
    password = var.redis_existing.password_parameter
    url      = var.redis_existing.url_parameter
  }

  # Environment and rights of workers, web tier and API.
  redis_environment = local.redis_parameters == null ? {} : { for name, parameter in {
    REDIS_PASSWORD_PARAM = local.redis_parameters["password"]
    REDIS_URL_PARAM      = local.redis_parameters["url"]
  } : name => parameter if parameter != null }
  redis_policies = !var.enable_redis ? {} : { redis-parameters = local.creates_redis ? module.redis_parameters[0].reader_policy_json : jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "ReadParameters"
      Effect   = "Allow"
      Action   = ["ssm:GetParameter", "ssm:GetParameters"]
      Resource = [for name in compact(values(local.redis_parameters)) : "${local.parameter_arn_prefix}${name}"]
    }]
  }) }
}
