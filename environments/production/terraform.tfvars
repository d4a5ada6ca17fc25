# Rendered from environment.yaml by `gradectl render production`. Change that file, not this one.
aws_account_id               = "123456789012"
aws_region                   = "ap-northeast-2"
ecs_cpu_target_value         = 60
ecs_desired_count            = 2
ecs_max_capacity             = 10
ecs_min_capacity             = 1
ecs_task_cpu                 = 1024
ecs_task_memory              = 2048
emulated                     = false
enable_ecs_alb_access        = false
enable_ecs_autoscaling       = true
enable_s3_lifecycle          = true
enable_s3_versioning         = true
enable_ssh_access            = false
environment_name             = "production"
grading_worker_settings      = { LOG_FORMAT = "json" }
mq_admin_username            = "admin"
mq_deployment_mode           = "SINGLE_INSTANCE"
mq_enable_audit_logs         = true
mq_engine_type               = "ActiveMQ"
mq_instance_type             = "mq.t3.micro"
s3_lifecycle_expiration_days = 90
use_fargate                  = true
