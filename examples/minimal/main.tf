# The base of a grading system: network, bucket, broker with its queues, alarms.
# Outside this repository, each source is "git::https://git.example.com/platform/gradectl.git//modules/<name>?ref=COMMIT".
terraform { required_version = ">= 1.11" }

provider "aws" {
  region = "ap-northeast-2"
  default_tags { tags = { Project = "exams", ManagedBy = "Terraform" } }
  ignore_tags { key_prefixes = ["gradectl:"] } # versions of the passwords that the broker's users have
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
  subnet_ids         = module.network.private_subnet_ids
  security_group_ids = [module.network.security_group_ids["broker"]]
}

module "monitoring" {
  source           = "../../modules/monitoring"
  environment_name = "exams"
  broker           = { node_names = module.messaging.node_names, instance_type = "mq.t3.micro" }
}

output "broker_id" { value = module.messaging.broker_id }
output "broker_users" { value = { admin = null } } # a password that is stored nowhere

# plans: resources=64 aws_mq_broker.this=1 aws_s3_bucket.this=1 aws_nat_gateway.this=0 aws_cloudwatch_metric_alarm.this=9
# plans: aws_mq_broker.this publicly_accessible = false
# bills: alarm-metric=12 interface-endpoint=5840 interface-endpoint-data=use kms-key=1
# bills: mq-mq.t3.micro=1 mq-storage=use s3-storage=use s3-writes=use sns-messages=use
