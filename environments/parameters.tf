# SSM parameters: /<environment>/<part>/<key>.

module "mq_parameters" {
  source = "../modules/parameters"
  count  = local.uses_broker ? 1 : 0

  environment_name = var.environment_name
  part             = "mq"
  kms_key_arn      = var.kms_key_arn
  values = {
    broker-endpoint = coalesce(var.mq_broker_endpoint_override, join(",", flatten(module.messaging[*].stomp_endpoints)))
    username        = var.mq_admin_username
  }
  secret_versions = { password = var.mq_admin_password_version }
  secret_values   = { password = coalesce(var.mq_admin_password, uuid()) }

  # roles with their own broker user read only the endpoint; the others also the administrator's login
  readers = { role = length(local.roles) > 0 ? ["broker-endpoint"] : ["broker-endpoint", "password", "username"] }
}

module "mq_user_parameters" {
  source   = "../modules/parameters"
  for_each = local.roles

  environment_name = var.environment_name
  part             = "mq-${each.key}"
  kms_key_arn      = var.kms_key_arn
  values           = { username = local.role_users[each.key] }
  secret_versions  = { password = var.mq_user_passwords_version }
  secret_values    = { password = lookup(var.mq_user_passwords, each.key, uuid()) }
}

# What gradectl and other programs need to use the queues, and whether producers use them.
module "sqs_parameters" {
  source = "../modules/parameters"
  count  = local.uses_sqs ? 1 : 0

  environment_name = var.environment_name
  part             = "sqs"
  kms_key_arn      = var.kms_key_arn
  values = merge(
    { active = tostring(var.use_sqs_queue) },
    { for purpose, url in module.sqs[0].urls : "${replace(purpose, "_", "-")}-url" => url },
  )

  # grader.client finds out the transport itself; the workers have the URLs in their environment
  readers = { web = concat(["active"], [for purpose in setsubtract(keys(local.sqs_names), ["dead_letter"]) : "${purpose}-url"]) }
}

module "db_parameters" {
  source = "../modules/parameters"

  environment_name = var.environment_name
  part             = "db"
  kms_key_arn      = var.kms_key_arn
  values = {
    endpoint = coalesce(var.db_endpoint_override, module.database.endpoint)
    name     = module.database.database_name
    username = var.db_admin_username
  }
  secret_versions = { password = var.db_admin_password_version }
  secret_values   = { password = local.db_admin_password }

  readers = {
    web    = ["endpoint", "name"]
    worker = var.enable_db_application_user ? ["endpoint", "name"] : ["endpoint", "name", "password", "username"]
  }
}

module "db_app_parameters" {
  source = "../modules/parameters"

  environment_name = var.environment_name
  part             = "db-app"
  kms_key_arn      = var.kms_key_arn
  values           = { username = module.database.application_username }
  secret_versions  = { password = var.db_application_password_version }
  secret_values    = { password = coalesce(var.db_application_password, uuid()) }
}

# The login of the API, which may only read.
module "db_web_parameters" {
  source = "../modules/parameters"
  count  = var.enable_api ? 1 : 0

  environment_name = var.environment_name
  part             = "db-web"
  kms_key_arn      = var.kms_key_arn
  values           = { username = var.db_web_username }
  secret_versions  = { password = var.db_web_password_version }
  secret_values    = { password = coalesce(var.db_web_password, uuid()) }
}

module "redis_parameters" {
  source = "../modules/parameters"
  count  = local.creates_redis ? 1 : 0

  environment_name = var.environment_name
  part             = "redis"
  kms_key_arn      = var.kms_key_arn
  values           = { url = coalesce(var.redis_endpoint_override, one(module.redis[*].url)) }
  secret_versions  = { password = var.redis_password_version }
  secret_values    = { password = coalesce(var.redis_password, uuid()) }
}

# What signs webhooks, and headers that receivers want, such as a token by host.
module "webhook_parameters" {
  source = "../modules/parameters"
  count  = var.enable_webhooks ? 1 : 0

  environment_name = var.environment_name
  part             = "webhook"
  kms_key_arn      = var.kms_key_arn
  secret_versions  = { headers = var.webhook_secret_version, secret = var.webhook_secret_version }
  secret_values = {
    headers = jsonencode(var.webhook_header_secrets)
    secret  = coalesce(var.webhook_secret, "whsec_${base64encode(uuid())}")
  }
}

locals {
  parameter_arn_prefix = "arn:aws:ssm:${var.aws_region}:${data.aws_caller_identity.current.account_id}:parameter"

  # keys of clients of the API, one parameter each, which gradectl api-key writes
  api_keys_prefix = "/${var.environment_name}/api-keys/"
  api_keys_policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [{
        Sid      = "ReadApiKeys"
        Effect   = "Allow"
        Action   = "ssm:GetParameters"
        Resource = "${local.parameter_arn_prefix}${local.api_keys_prefix}*" # keys come and go without Terraform
      }],
      var.kms_key_arn == null ? [] : [{
        Sid       = "DecryptApiKeys"
        Effect    = "Allow"
        Action    = "kms:Decrypt"
        Resource  = var.kms_key_arn
        Condition = { StringLike = { "kms:EncryptionContext:PARAMETER_ARN" = "${local.parameter_arn_prefix}${local.api_keys_prefix}*" } }
      }],
    )
  })

  # database login of the worker
  db_login = var.enable_db_application_user ? module.db_app_parameters.names : module.db_parameters.names
  db_policies = merge(
    { db-parameters = module.db_parameters.reader_policies["worker"] },
    var.enable_db_application_user ? { db-app-parameters = module.db_app_parameters.reader_policy_json } : {},
  )

  # broker login by role: its own user, or the administrator
  mq_logins = {
    for role in keys(local.role_groups) : role => try(module.mq_user_parameters[role].names, module.mq_parameters[0].names) if local.uses_broker
  }

  mq_environments = { for role in ["web", "worker"] : role => local.uses_broker ? {
    MQ_ENDPOINT_PARAM = module.mq_parameters[0].names["broker-endpoint"]
    MQ_PASSWORD_PARAM = local.mq_logins[role]["password"]
    MQ_USERNAME_PARAM = local.mq_logins[role]["username"]
  } : {} }

  mq_policies = {
    for role in keys(local.role_groups) : role => merge(
      { mq-parameters = module.mq_parameters[0].reader_policies["role"] },
      contains(keys(local.roles), role) ? { mq-user-parameters = module.mq_user_parameters[role].reader_policy_json } : {},
    ) if local.uses_broker
  }

  # broker users whose password gradectl sets, and the parameter that stores it
  broker_users = var.mq_existing != null || !local.uses_broker ? {} : merge(
    { (var.mq_admin_username) = module.mq_parameters[0].names["password"] },
    { for role, parameters in module.mq_user_parameters : local.role_users[role] => parameters.names["password"] },
  )
}
