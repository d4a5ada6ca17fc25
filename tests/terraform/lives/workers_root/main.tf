# The module with all that it can do, in three services; `changed` is another version of each.

variable "changed" {
  type    = bool
  default = false
}

# whether a pipeline deploys the workers on instances; null: in the changed version
variable "pipeline" {
  type    = bool
  default = null
}

terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.88, < 7.0"
    }
  }
}

provider "aws" {
  max_retries                 = 2
  skip_credentials_validation = true
  skip_metadata_api_check     = true

  default_tags {
    tags = { Environment = "workers" }
  }
}

resource "aws_vpc" "this" {
  cidr_block = "10.0.0.0/16"
}

resource "aws_subnet" "this" {
  vpc_id     = aws_vpc.this.id
  cidr_block = "10.0.1.0/24"
}

resource "aws_security_group" "this" {
  vpc_id = aws_vpc.this.id
}

resource "aws_kms_key" "this" {}

resource "aws_secretsmanager_secret" "registry" {
  name                    = "workers-registry"
  recovery_window_in_days = 0
}

resource "aws_ssm_parameter" "token" {
  name             = "/workers/handler/token"
  type             = "SecureString"
  value_wo         = "a-Token-for-tests-1"
  value_wo_version = 1
}

resource "aws_lb_target_group" "this" {
  port        = 8080
  protocol    = "HTTP"
  target_type = "ip"
  vpc_id      = aws_vpc.this.id
}

locals {
  common = {
    environment        = { ENVIRONMENT = "workers", HEALTH_HOST = "0.0.0.0" }
    image              = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/grading-worker:1.0"
    queue              = { broker_node_names = ["workers-grading-mq-1", "workers-grading-mq-2"] }
    region             = "ap-northeast-2"
    security_group_ids = [aws_security_group.this.id]
    subnet_ids         = [aws_subnet.this.id]
  }
}

module "spot" {
  source = "../modules/ecs-grading"

  environment        = local.common.environment
  environment_name   = "spot"
  image              = local.common.image
  queue              = local.common.queue
  region             = local.common.region
  security_group_ids = local.common.security_group_ids
  subnet_ids         = local.common.subnet_ids

  capacity = { spot = {} }
  service  = { ignore_task_definition_changes = true }
  task     = { memory = var.changed ? 2048 : 1024 }
}

module "instances" {
  source = "../modules/ecs-grading"

  environment        = local.common.environment
  environment_name   = "instances"
  image              = local.common.image
  queue              = local.common.queue
  region             = local.common.region
  security_group_ids = local.common.security_group_ids
  subnet_ids         = local.common.subnet_ids

  ec2_capacity = {
    enable_session          = true
    max_instances           = var.changed ? 4 : 10
    target_capacity_percent = var.changed ? 90 : 100
    volume_gib              = var.changed ? 60 : 50
    volume_kms_key_arn      = aws_kms_key.this.arn
  }

  service = { ignore_task_definition_changes = coalesce(var.pipeline, var.changed) }
}

module "everything" {
  source = "../modules/ecs-grading"

  environment        = local.common.environment
  environment_name   = "everything"
  image              = local.common.image
  queue              = local.common.queue
  region             = local.common.region
  security_group_ids = local.common.security_group_ids
  service_discovery  = { vpc_id = aws_vpc.this.id }
  subnet_ids         = local.common.subnet_ids

  capacity = { min = var.changed ? 1 : 0, desired = 1 }

  scaling = {
    schedules = var.changed ? {} : {
      exam-begins = { schedule = "cron(30 8 ? * MON-FRI *)", timezone = "Asia/Seoul", min = 5 }
      exam-ends   = { schedule = "at(2036-06-15T12:00:00)", min = 0, max = 10 }
    }
  }

  service = {
    allow_task_protection = true
    deployment            = { maximum_percent = var.changed ? 200 : 150, minimum_healthy_percent = 50, rollback = false }
    execute_command       = var.changed ? null : { kms_key_arn = aws_kms_key.this.arn }
    load_balancer         = { target_group_arn = aws_lb_target_group.this.arn }
    log                   = { kms_key_arn = aws_kms_key.this.arn, mode = "blocking" }
  }

  task = {
    architecture          = "ARM64"
    cpu                   = 1024
    ephemeral_storage_gib = 50
    memory                = 4096
    secret_arns           = { HANDLER_TOKEN = aws_ssm_parameter.token.arn }
    secret_kms_key_arns   = [aws_kms_key.this.arn]

    sidecars = {
      log-router = {
        command                    = ["route"]
        cpu                        = 64
        environment                = { TARGET = "archive", LEVEL = "info" }
        image                      = "registry.example.com/log-router:1"
        memory                     = 128
        repository_credentials_arn = aws_secretsmanager_secret.registry.arn
        secret_arns                = { API_KEY = aws_secretsmanager_secret.registry.arn }
        start_before_worker        = true
        user                       = "1000"
        writable_paths             = { spool = "/spool" }
      }
    }
  }
}
