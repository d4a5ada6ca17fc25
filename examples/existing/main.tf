# Grading workers where VPC, endpoints, broker, database and web tier exist.
# Outside this repository, each source is "git::https://git.example.com/platform/gradectl.git//modules/<name>?ref=COMMIT".
terraform { required_version = ">= 1.11" }

provider "aws" {
  region = "ap-northeast-2"
  default_tags { tags = { Project = "exams", ManagedBy = "Terraform" } }
}

# passwords of the users below
variable "passwords" {
  type      = object({ broker = string, database = string })
  ephemeral = true
  sensitive = true
}

module "storage" {
  source      = "../../modules/storage"
  bucket_name = "example-exams-existing-files" # globally unique: choose another
}

module "grading_system" {
  source           = "../../modules/grading-system"
  environment_name = "exams"
  region           = "ap-northeast-2"
  image            = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/exams-grading-worker:1.0"
  storage          = module.storage
  passwords        = var.passwords
  network = {
    vpc_id             = "vpc-0123456789abcdef0"
    vpc_cidr_block     = "10.20.0.0/16"
    private_subnet_ids = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
    s3_prefix_list_id  = "pl-78a54011" # aws ec2 describe-managed-prefix-lists
    endpoints          = { security_group_ids = ["sg-0123456789abcdef2"] }
  }
  broker   = { node_names = ["shared-1"], stomp_endpoints = ["stomp+ssl://mq.example.com:61614"], username = "grading", security_group_ids = ["sg-0123456789abcdef0"] }
  database = { identifier = "shared", endpoint = "db.example.com:3306", database_name = "judge", username = "grading", security_group_ids = ["sg-0123456789abcdef1"] }
}

# The owners of broker, database and endpoints allow this group.
output "worker_security_group_id" { value = module.grading_system.worker_security_group_id }

# given: passwords = { broker = "a-Password-for-tests-1", database = "a-Password-for-tests-2" }
# plans: resources=56 aws_vpc.this=0 aws_vpc_endpoint.interface=0 aws_vpc_endpoint.s3=0 aws_security_group.this=1 aws_ecs_service.this=1
# plans: aws_vpc_security_group_egress_rule.role["worker-to-broker-61614-group-1"] referenced_security_group_id = "sg-0123456789abcdef0"
# bills: alarm-metric=16 custom-metric=1 custom-metric=use fargate-x86-memory=730..7300
# bills: fargate-x86-vcpu=365..3650 kms-key=1 logs-ingested=use logs-stored=use s3-storage=use
# bills: s3-writes=use sns-messages=use
