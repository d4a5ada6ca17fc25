# Rendered from environment.yaml by `gradectl render production`. Change that file, not this one.
alarm_topic                  = { email_addresses = [] }
aws_account_id               = "123456789012"
aws_region                   = "ap-northeast-2"
db_apply_immediately         = false
db_backup_retention_days     = 14
db_backup_window             = "18:00-18:30"
db_enable_final_snapshot     = true
db_instance_class            = "db.m7g.large"
db_keep_backups              = true
db_maintenance_window        = "sat:19:30-sat:20:30"
db_max_allocated_storage_gb  = 200
db_multi_az                  = true
ecs_cpu_target_value         = 60
ecs_desired_count            = 2
ecs_max_capacity             = 10
ecs_min_capacity             = 2
ecs_task_cpu                 = 1024
ecs_task_memory              = 2048
emulated                     = false
enable_data_protection       = true
enable_ecs_alb_access        = false
enable_ecs_autoscaling       = true
enable_s3_lifecycle          = true
enable_s3_versioning         = true
enable_ssh_access            = false
environment_name             = "production"
grading_worker_settings      = { LOG_FORMAT = "json" }
mq_admin_username            = "admin"
mq_apply_immediately         = false
mq_deployment_mode           = "ACTIVE_STANDBY_MULTI_AZ"
mq_enable_audit_logs         = true
mq_engine_type               = "ActiveMQ"
mq_instance_type             = "mq.m5.large"
mq_maintenance_window        = { day_of_week = "SUNDAY", time_of_day = "04:00", time_zone = "Asia/Seoul" }
s3_lifecycle_expiration_days = 90
use_fargate                  = true
