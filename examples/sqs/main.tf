# The base of a grading system on SQS: network, bucket, queues, alarms. No broker, and no password of one.
# Outside this repository, each source is "git::https://git.example.com/platform/gradectl.git//modules/<name>?ref=COMMIT".
terraform { required_version = ">= 1.11" }

provider "aws" {
  region = "ap-northeast-2"
  default_tags { tags = { Project = "exams", ManagedBy = "Terraform" } }
}

module "network" {
  source              = "../../modules/network"
  name                = "exams-grading"
  region              = "ap-northeast-2"
  availability_zones  = ["ap-northeast-2a", "ap-northeast-2c"]
  broker_ports        = []
  interface_endpoints = ["ecr.api", "ecr.dkr", "logs", "sqs", "ssm"]
}

module "storage" {
  source          = "../../modules/storage"
  bucket_name     = "example-exams-grading-files"          # globally unique: choose another
  lifecycle_rules = { "temp/" = { expiration_days = 15 } } # large messages, which SQS keeps for 14 days
}

module "sqs" {
  source     = "../../modules/sqs"
  name       = "exams-grading"
  bucket_arn = module.storage.bucket_arn
}

module "monitoring" {
  source           = "../../modules/monitoring"
  environment_name = "exams"
  sqs_queue_names  = module.sqs.names
}

output "queue_urls" { value = module.sqs.urls }
output "web_policies" { value = [module.storage.web_policy_json, module.sqs.web_policy_json] }

# plans: resources=62 aws_sqs_queue.this=4 aws_mq_broker.this=0 aws_s3_bucket.this=1 aws_cloudwatch_metric_alarm.this=5
# plans: aws_sqs_queue.this["requests"] name = "exams-grading-requests"
# plans: aws_vpc_endpoint.interface["sqs"] private_dns_enabled = true
# bills: alarm-metric=8 interface-endpoint=7300 interface-endpoint-data=use kms-key=1 s3-storage=use
# bills: s3-writes=use sns-messages=use sqs-requests=use
