# A system of the default size in which every number and name is another one.
alarm_action_arns               = ["arn:aws:sns:ap-northeast-2:123456789012:on-call"]
alarm_disabled_kinds            = ["oldest_message"]
alarm_queue_size_name           = "dev-grading-queue-size-high"
alarm_thresholds                = { queue_size = 50 }
db_admin_password               = "a-Password-for-tests-1"
db_admin_password_version       = 2
db_admin_username               = "root"
db_allocated_storage_gb         = 400
db_application_password_version = 2
db_application_username         = "judge_app"
db_apply_immediately            = true
db_backup_retention_days        = 14
db_backup_window                = "17:00-18:00"
db_enable_auto_minor_upgrade    = false
db_enable_iam_authentication    = true
db_engine_version               = "8.0"
db_enhanced_monitoring_seconds  = 60
db_instance_class               = "db.m7g.large"
db_maintenance_window           = "sun:18:30-sun:19:30"
db_max_allocated_storage_gb     = 500
db_multi_az                     = true
db_parameters                   = { max_connections = { value = "200" } }
db_restore                      = { instance = "production-grading", time = "2026-06-15T08:30:00Z" }
db_slow_query_seconds           = 5
db_storage_performance          = { throughput_mib_s = 1000 }
ecs_architecture                = "ARM64"
ecs_cpu_target_value            = 40
ecs_desired_count               = 3
ecs_ephemeral_storage_gib       = 30
ecs_fargate_spot                = { fargate_base = 2 }
ecs_max_capacity                = 12
ecs_memory_target_value         = 50
ecs_messages_per_task           = 4
ecs_min_capacity                = 2
ecs_repository_credentials_arn  = "arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:registry-AbCdEf"
ecs_scheduled_scaling = {
  exam = { schedule = "cron(30 8 ? * MON-FRI *)", min = 5, max = 20, timezone = "Asia/Seoul" }
}
ecs_secret_arns              = { HANDLER_TOKEN = "arn:aws:ssm:ap-northeast-2:123456789012:parameter/test/handler/token" }
ecs_secret_kms_key_arns      = ["arn:aws:kms:ap-northeast-2:123456789012:key/11111111-2222-3333-4444-555555555555"]
ecs_sidecars                 = { collector = { image = "public.ecr.aws/example/collector:1.0" } }
ecs_task_memory              = "2048"
enable_db_application_user   = true
enable_ecs_alb_access        = true
enable_ecs_exec              = true
enable_ecs_task_protection   = true
enable_service_discovery     = true
enable_ssh_access            = true
grading_container_image      = "example.com/worker:2.0"
grading_worker_settings      = { WORKER_SLOTS = "4" }
log_retention_days           = 7
mq_admin_password            = "a-Password-for-tests-1"
mq_admin_password_version    = 2
mq_apply_immediately         = true
mq_enable_audit_logs         = false
mq_enable_authorization      = false
mq_engine_version            = "5.19"
mq_instance_type             = "mq.m5.large"
mq_maintenance_window        = { day_of_week = "SUNDAY", time_of_day = "03:00", time_zone = "Asia/Seoul" }
mq_queue_policies            = { grading-requests = { memory_limit_mb = 64 } }
mq_user_passwords_version    = 2
s3_access_logs               = { bucket_name = "example-logs" }
s3_bucket_name               = "example-files"
s3_cors                      = { origins = ["https://judge.example.com"] }
s3_lifecycle_archive_days    = 45
s3_lifecycle_expiration_days = 120
s3_lifecycle_noncurrent_days = 10
s3_lifecycle_rules           = { "results/trials/" = { expiration_days = 7, noncurrent_days = 1 } }
s3_notifications = {
  queues = {
    search = { arn = "arn:aws:sqs:ap-northeast-2:123456789012:search", prefix = "results/" }
  }
}
s3_object_lock = { days = 7 }
s3_replication = { bucket_arn = "arn:aws:s3:::example-copies" }
vpc_cidr_block = "10.9.0.0/16"
vpc_flow_logs  = { traffic_type = "REJECT" }
vpc_nat_mode   = "single"
