# Grading workers where VPC, endpoints, broker, database and web tier exist.
# Outside this repository, each source is "git::https://git.example.com/platform/gradectl.git//modules/<name>?ref=COMMIT".
terraform { required_version = ">= 1.11" }

provider "aws" {
  region = "ap-northeast-2"
  default_tags { tags = { Project = "exams", ManagedBy = "Terraform" } }
}

# IDs of what exists, and how it is reached
variable "existing" {
  type = object({
    vpc_id             = string
    vpc_cidr_block     = string
    private_subnet_ids = list(string)
    s3_prefix_list_id  = string
    group_ids          = object({ broker = string, database = string, endpoints = string, web = string })
    broker             = object({ name = string, stomp_endpoint = string, username = string })
    database           = object({ identifier = string, endpoint = string, name = string, username = string })
  })
}

# passwords of the users above
variable "passwords" {
  type      = object({ broker = string, database = string })
  ephemeral = true
  sensitive = true
}

module "network" {
  source = "../../modules/network"
  name   = "exams-grading"
  region = "ap-northeast-2"
  existing = {
    vpc_id             = var.existing.vpc_id
    vpc_cidr_block     = var.existing.vpc_cidr_block
    private_subnet_ids = var.existing.private_subnet_ids
    s3_prefix_list_id  = var.existing.s3_prefix_list_id
    broker             = { security_group_ids = [var.existing.group_ids.broker] }
    database           = { security_group_ids = [var.existing.group_ids.database] }
    endpoints          = { security_group_ids = [var.existing.group_ids.endpoints] }
    web                = { security_group_ids = [var.existing.group_ids.web] }
  }
}

module "storage" {
  source      = "../../modules/storage"
  bucket_name = "example-exams-existing-files" # globally unique: choose another
}

module "parameters" {
  source           = "../../modules/parameters"
  environment_name = "exams"
  part             = "worker"
  secret_versions  = { db-password = 1, mq-password = 1 }
  secret_values    = { db-password = var.passwords.database, mq-password = var.passwords.broker }
  values = {
    db-endpoint = var.existing.database.endpoint
    db-name     = var.existing.database.name
    db-username = var.existing.database.username
    mq-endpoint = var.existing.broker.stomp_endpoint
    mq-username = var.existing.broker.username
  }
}

module "ecs_grading" {
  source             = "../../modules/ecs-grading"
  environment_name   = "exams"
  region             = "ap-northeast-2"
  image              = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/exams-grading-worker:1.0"
  subnet_ids         = module.network.private_subnet_ids
  security_group_ids = [module.network.security_group_ids["worker"]]
  queue              = { broker_node_names = ["${var.existing.broker.name}-1"] }
  task_policies      = { bucket = module.storage.worker_policy_json, parameters = module.parameters.reader_policy_json }
  environment = merge(
    { ENVIRONMENT = "exams", GRADING_BUCKET = module.storage.bucket_name },
    { for key, name in module.parameters.names : "${upper(replace(key, "-", "_"))}_PARAM" => name },
  )
}

module "monitoring" {
  source              = "../../modules/monitoring"
  environment_name    = "exams"
  database_identifier = var.existing.database.identifier
  broker              = { node_names = ["${var.existing.broker.name}-1"] }
  service             = { cluster_name = module.ecs_grading.cluster_name, service_name = module.ecs_grading.service_name, min_tasks = module.ecs_grading.min_tasks }
}

# The owners of broker, database and endpoints allow this group.
output "worker_security_group_id" { value = module.network.security_group_ids["worker"] }

# given: passwords = { broker = "a-Password-for-tests-1", database = "a-Password-for-tests-2" }
# given: existing = { vpc_id = "vpc-0123456789abcdef0", vpc_cidr_block = "10.20.0.0/16", private_subnet_ids = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"], s3_prefix_list_id = "pl-78a54011", group_ids = { broker = "sg-0123456789abcdef0", database = "sg-0123456789abcdef1", endpoints = "sg-0123456789abcdef2", web = "sg-0123456789abcdef3" }, broker = { name = "shared", stomp_endpoint = "stomp+ssl://mq.example.com:61614", username = "grading" }, database = { identifier = "shared", endpoint = "db.example.com:3306", name = "judge", username = "grading" } }
# plans: resources=56 aws_vpc.this=0 aws_vpc_endpoint.interface=0 aws_vpc_endpoint.s3=0 aws_security_group.this=1 aws_ecs_service.this=1
# plans: aws_vpc_security_group_egress_rule.role["worker-to-broker-61614-group-1"] referenced_security_group_id = "sg-0123456789abcdef0"
# bills: alarm-metric=16 custom-metric=1 custom-metric=use fargate-x86-memory=730..7300
# bills: fargate-x86-vcpu=365..3650 kms-key=1 logs-ingested=use logs-stored=use s3-storage=use
# bills: s3-writes=use sns-messages=use
