# All that a production may choose, at once; web_certificate_arn and kms_key_arn are those of the account.
environment_name = "sized"
aws_region       = "ap-northeast-2"
aws_account_id   = "123456789012"
tags             = { CostCenter = "4711" }

vpc_nat_mode              = "per_zone"
vpc_internet_egress_roles = ["web"]
vpc_flow_logs             = { retention_days = 90 }

enable_s3_versioning         = true
s3_lifecycle_expiration_days = 365
s3_lifecycle_rules = {
  "results/" = { archive_days = { STANDARD_IA = 30, GLACIER = 90 }, expiration_days = 3650 }
}
s3_cors = { origins = ["https://judge.example.com"] }

mq_deployment_mode    = "ACTIVE_STANDBY_MULTI_AZ"
mq_engine_version     = "5.19"
mq_instance_type      = "mq.m5.large"
mq_maintenance_window = { day_of_week = "SUNDAY", time_of_day = "03:00", time_zone = "Asia/Seoul" }

db_instance_class            = "db.m7g.large"
db_multi_az                  = true
db_max_allocated_storage_gb  = 100
db_backup_retention_days     = 14
db_performance_insights_days = 31

ecs_desired_count = 2
ecs_min_capacity  = 2
ecs_max_capacity  = 20
ecs_task_cpu      = 1024
ecs_task_memory   = 2048
ecs_fargate_spot  = { fargate_base = 2 }
enable_ecs_exec   = true
ecs_scheduled_scaling = {
  exam-begins = { schedule = "cron(30 8 ? * MON-FRI *)", min = 10, timezone = "Asia/Seoul" }
  exam-ends   = { schedule = "cron(0 18 ? * MON-FRI *)", min = 2, timezone = "Asia/Seoul" }
}

enable_web_tier     = true
web_cidr_blocks     = ["203.0.113.0/24"]
web_container_image = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/judge-web:1.0"
web_domain_name     = "judge.example.com"

alarm_topic = { email_addresses = ["on-call@example.com"] }
