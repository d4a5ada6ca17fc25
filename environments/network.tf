locals {
  # what ECS reads to start a task, over the network of the task
  secret_arns = compact(flatten([
    var.ecs_repository_credentials_arn,
    values(var.ecs_secret_arns),
    [for each in values(var.ecs_sidecars) : [each.repository_credentials_arn, values(each.secret_arns)]],
  ]))

  # ECS on EC2 needs its control endpoints in addition to those of every task; ECS Exec needs ssmmessages and,
  # with kms_key_arn, kms (other services use the key from AWS's side).
  needed_endpoints = concat(
    ["ecr.api", "ecr.dkr", "logs", "ssm"],
    var.use_fargate ? [] : ["ecs", "ecs-agent", "ecs-telemetry"],
    var.enable_ecs_exec || var.enable_web_tier ? ["ssmmessages"] : [],
    var.enable_ecs_exec && var.kms_key_arn != null ? ["kms"] : [],
    local.uses_sqs ? ["sqs"] : [],
    length(regexall(":secretsmanager:", join(" ", local.secret_arns))) > 0 ? ["secretsmanager"] : [],
  )
}

module "network" {
  source = "../modules/network"

  name     = local.name
  region   = var.aws_region
  existing = merge(var.vpc_existing, { broker = local.existing_broker, database = local.existing_database })

  availability_zones = var.vpc_existing == null ? [for suffix in var.availability_zone_suffixes : "${var.aws_region}${suffix}"] : []
  cidr_block         = var.vpc_existing == null ? var.vpc_cidr_block : null
  subnets            = { for key, value in var.vpc_subnets : key => value if value != null }

  nat                   = var.vpc_nat_mode
  internet_egress_roles = setunion(var.vpc_internet_egress_roles, local.sends_to_internet ? ["worker"] : [])
  interface_endpoints   = var.vpc_interface_endpoints == null && var.vpc_existing == null ? local.needed_endpoints : var.vpc_interface_endpoints
  flow_logs             = var.vpc_flow_logs == null ? null : merge(var.vpc_flow_logs, { kms_key_arn = var.kms_key_arn })

  broker_ports              = local.uses_broker ? null : [] # null: the ports of ActiveMQ
  allow_web_to_worker       = var.enable_ecs_alb_access
  load_balancer_cidr_blocks = local.has_web ? var.web_cidr_blocks : []
  web_port                  = var.web_port
  ssh_cidr_blocks           = var.enable_ssh_access ? coalescelist(var.ssh_cidr_blocks, [local.vpc_cidr_block]) : []
}

locals {
  # Workers send webhooks. Where there is no way to the internet, all receivers are private.
  sends_to_internet = var.enable_webhooks && (var.vpc_nat_mode != "none" || var.vpc_existing != null)

  # where workers and web tier reach what is not created here
  existing_broker = var.mq_existing == null || !local.uses_broker ? null : {
    security_group_ids = var.mq_existing.security_group_ids
    cidr_blocks        = var.mq_existing.cidr_blocks
  }
  existing_database = var.db_existing == null ? null : {
    security_group_ids = var.db_existing.security_group_ids
    cidr_blocks        = var.db_existing.cidr_blocks
  }

  vpc_cidr_block = var.vpc_existing == null ? var.vpc_cidr_block : var.vpc_existing.vpc_cidr_block
}
