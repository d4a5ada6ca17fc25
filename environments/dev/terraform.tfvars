# Rendered from environment.yaml by `gradectl render dev`. Change that file, not this one.
aws_account_id               = "123456789012"
aws_region                   = "ap-northeast-2"
db_apply_immediately         = true
db_enable_final_snapshot     = false
db_keep_backups              = false
ecs_desired_count            = 1
ecs_max_capacity             = 2
ecs_min_capacity             = 1
emulated                     = false
enable_data_protection       = false
enable_s3_versioning         = false
environment_name             = "dev"
grading_worker_settings      = { LOG_LEVEL = "DEBUG" }
mq_apply_immediately         = true
mq_enable_audit_logs         = false
s3_lifecycle_expiration_days = 14
use_sqs_queue                = true
vpc_cidr_block               = "10.1.0.0/16"
