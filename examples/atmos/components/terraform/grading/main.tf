# The base of a grading system: network, bucket, broker with its queues, alarms.
# Atmos writes backend.tf.json and providers_override.tf.json next to this file, from the stack.
terraform { required_version = ">= 1.11" }

variable "environment_name" { type = string }

variable "region" { type = string }

variable "availability_zones" { type = list(string) }

variable "nat" {
  type    = string
  default = "none"
}

variable "broker" {
  type    = object({ instance_type = string, deployment_mode = string })
  default = { instance_type = "mq.t3.micro", deployment_mode = "SINGLE_INSTANCE" }
}

provider "aws" {
  region = var.region
  ignore_tags { key_prefixes = ["gradectl:"] } # versions of the passwords that the broker's users have
}

module "network" {
  source             = "../../../../../modules/network"
  name               = "${var.environment_name}-grading"
  region             = var.region
  availability_zones = var.availability_zones
  nat                = var.nat
}

module "storage" {
  source      = "../../../../../modules/storage"
  bucket_name = "example-${var.environment_name}-grading-files" # globally unique: choose another
}

module "messaging" {
  source             = "../../../../../modules/messaging"
  name               = "${var.environment_name}-grading-mq"
  subnet_ids         = module.network.private_subnet_ids
  security_group_ids = [module.network.security_group_ids["broker"]]
  instance_type      = var.broker.instance_type
  deployment_mode    = var.broker.deployment_mode
}

module "monitoring" {
  source           = "../../../../../modules/monitoring"
  environment_name = var.environment_name
  broker           = { node_names = module.messaging.node_names, instance_type = var.broker.instance_type }
}

output "broker_id" { value = module.messaging.broker_id }
output "broker_users" { value = { admin = null } } # a password that is stored nowhere
