# A whole grading system for one team, built from the modules.
# Outside this repository, each source is "git::https://git.example.com/platform/gradectl.git//modules/<name>?ref=COMMIT".
terraform { required_version = ">= 1.11" }

provider "aws" {
  region = "ap-northeast-2"
  default_tags { tags = { Project = "exams", ManagedBy = "Terraform" } }
  ignore_tags { key_prefixes = ["gradectl:"] } # versions of the passwords that the broker's users have
}

# passwords of the database administrator and of the broker user worker
variable "passwords" {
  type      = object({ database = string, worker = string })
  ephemeral = true
  sensitive = true
}

module "network" {
  source             = "../../modules/network"
  name               = "exams-grading"
  region             = "ap-northeast-2"
  availability_zones = ["ap-northeast-2a", "ap-northeast-2c"]
}

module "storage" {
  source      = "../../modules/storage"
  bucket_name = "example-exams-grading-files" # globally unique: choose another
}

module "messaging" {
  source             = "../../modules/messaging"
  name               = "exams-grading-mq"
  users              = { web = { groups = ["grading-web"] }, worker = { groups = ["grading-workers"] } }
  subnet_ids         = module.network.private_subnet_ids
  security_group_ids = [module.network.security_group_ids["broker"]]
}

module "database" {
  source             = "../../modules/database"
  name               = "exams-grading"
  admin_password     = var.passwords.database
  subnet_ids         = module.network.private_subnet_ids
  security_group_ids = [module.network.security_group_ids["database"]]
}

module "parameters" {
  source           = "../../modules/parameters"
  environment_name = "exams"
  part             = "worker"
  secret_versions  = { db-password = 1, mq-password = 1 }
  secret_values    = { db-password = var.passwords.database, mq-password = var.passwords.worker }
  values = {
    db-endpoint = module.database.endpoint
    db-name     = module.database.database_name
    db-username = "grader" # the administrator's default name
    mq-endpoint = join(",", module.messaging.stomp_endpoints)
    mq-username = "worker"
  }
}

module "ecs_grading" {
  source             = "../../modules/ecs-grading"
  environment_name   = "exams"
  region             = "ap-northeast-2"
  image              = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/exams-grading-worker:1.0"
  subnet_ids         = module.network.private_subnet_ids
  security_group_ids = [module.network.security_group_ids["worker"]]
  queue              = { broker_node_names = module.messaging.node_names }
  task_policies      = { bucket = module.storage.worker_policy_json, parameters = module.parameters.reader_policy_json }
  # variables that the worker requires; DB_NAME_PARAM is the name of the parameter db-name, and so on
  environment = merge(
    { ENVIRONMENT = "exams", GRADING_BUCKET = module.storage.bucket_name },
    { for key, name in module.parameters.names : "${upper(replace(key, "-", "_"))}_PARAM" => name },
  )
}

module "monitoring" {
  source              = "../../modules/monitoring"
  environment_name    = "exams"
  database_identifier = module.database.identifier
  broker              = { instance_type = "mq.t3.micro", node_names = module.messaging.node_names }
  service             = { cluster_name = module.ecs_grading.cluster_name, service_name = module.ecs_grading.service_name, min_tasks = module.ecs_grading.min_tasks }
}

output "broker_arn" { value = module.messaging.broker_arn }

# what `gradectl broker-users sync` deploys again
output "cluster_name" { value = module.ecs_grading.cluster_name }
output "service_name" { value = module.ecs_grading.service_name }
output "task_definition_arn" { value = module.ecs_grading.task_definition_arn }

# parameter of each user's password; null: a password that is stored nowhere
output "broker_users" { value = { admin = null, web = null, worker = module.parameters.names["mq-password"] } }

# given: passwords = { database = "a-Password-for-tests-1", worker = "a-Password-for-tests-2" }
# plans: resources=101 aws_mq_broker.this=1 aws_db_instance.this=1 aws_ecs_service.this=1 aws_nat_gateway.this=0
# plans: module.parameters.aws_ssm_parameter.secret["mq-password"] name = "/exams/worker/mq-password"
# plans: aws_ecs_task_definition.this container_definitions.0.name = "grading-worker"
# bills: alarm-metric=17 custom-metric=1 custom-metric=use fargate-x86-memory=730..7300
# bills: fargate-x86-vcpu=365..3650 interface-endpoint=5840 interface-endpoint-data=use kms-key=1
# bills: logs-ingested=use logs-stored=use mq-mq.t3.micro=1 mq-storage=use rds-backup=use
# bills: rds-mysql-db.t4g.micro=730 rds-storage-gp3=20 s3-storage=use s3-writes=use sns-messages=use
