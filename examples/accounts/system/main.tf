# The base of a grading system: network, bucket, broker with its queues, alarms. All accounts have it.
variable "name" { type = string }

variable "nat" {
  type    = string
  default = "none"
}

variable "broker" {
  type    = object({ instance_type = string, deployment_mode = string })
  default = { instance_type = "mq.t3.micro", deployment_mode = "SINGLE_INSTANCE" }
}

# bucket of another account for copies of submissions and results
variable "copies" {
  type    = object({ account_id = string, bucket_arn = string })
  default = null
}

module "network" {
  source             = "../../../modules/network"
  name               = "${var.name}-grading"
  region             = "ap-northeast-2"
  availability_zones = ["ap-northeast-2a", "ap-northeast-2c"]
  nat                = var.nat
}

module "storage" {
  source      = "../../../modules/storage"
  bucket_name = "example-${var.name}-grading-files" # globally unique: choose another
  replication = var.copies
}

module "messaging" {
  source             = "../../../modules/messaging"
  name               = "${var.name}-grading-mq"
  subnet_ids         = module.network.private_subnet_ids
  security_group_ids = [module.network.security_group_ids["broker"]]
  instance_type      = var.broker.instance_type
  deployment_mode    = var.broker.deployment_mode
}

module "monitoring" {
  source           = "../../../modules/monitoring"
  environment_name = var.name
  broker           = { node_names = module.messaging.node_names, instance_type = var.broker.instance_type }
}

output "broker_id" { value = module.messaging.broker_id }
output "broker_users" { value = { admin = null } } # a password that is stored nowhere
