# Rendered from environment.yaml by `gradectl render local`. Change that file, not this one.
alarm_disabled_kinds     = ["api_errors", "api_latency", "api_unhealthy", "broker_cpu", "broker_cpu_credits", "broker_memory", "broker_storage", "database_connections", "database_cpu", "database_storage", "no_consumer", "no_running_task", "oldest_message", "task_restarts"]
aws_account_id           = "123456789012"
aws_region               = "ap-northeast-2"
db_apply_immediately     = true
db_enable_final_snapshot = false
db_keep_backups          = false
ecs_desired_count        = 2
ecs_max_capacity         = 2
ecs_min_capacity         = 1
emulated                 = true
enable_api               = true
enable_data_protection   = false
enable_functions         = true
enable_redis             = true
enable_webhooks          = true
environment_name         = "local"
grading_worker_settings  = { RETRY_DELAY_MS = "1000", WORKER_SLOTS = "1" }
mq_apply_immediately     = true
web_access_logs          = null
web_certificate_arn      = "arn:aws:acm:ap-northeast-2:123456789012:certificate/00000000-0000-0000-0000-000000000000"
web_cidr_blocks          = ["127.0.0.0/8"]
web_cpu_target_value     = null
web_desired_count        = 1
web_max_capacity         = 1
web_min_capacity         = 1
webhook_allowed_hosts    = ["localhost"]
webhook_private_hosts    = ["localhost"]
