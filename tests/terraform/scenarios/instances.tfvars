# Workers on EC2 in three zones, under the longest name.
availability_zone_suffixes = ["a", "b", "c"]
ecs_instance_type          = "c6i.xlarge"
environment_name           = "a23456789-b23456789-c234"
kms_key_arn                = "arn:aws:kms:ap-northeast-2:123456789012:key/12345678-1234-1234-1234-123456789012"
mq_admin_username          = "worker"
mq_instance_type           = "mq.m5.large"
mq_storage_type            = "ebs"
use_fargate                = false
vpc_nat_mode               = "per_zone"
