# A web tier and workers with everything turned on, under the longest name that a web tier allows.
db_instance_class            = "db.m7g.large"
db_performance_insights_days = 31
ecs_idle_minutes             = 30
ecs_min_capacity             = 0
ecs_target_group_arn         = "arn:aws:elasticloadbalancing:ap-northeast-2:123456789012:targetgroup/workers/0123456789abcdef"
ecs_task_cpu                 = "1024"
ecs_task_memory              = 2048
enable_ecs_alb_access        = true
enable_ecs_exec              = true
enable_ssh_access            = true
enable_web_tier              = true
environment_name             = "a23456789-b23456789c"
kms_key_arn                  = "arn:aws:kms:ap-northeast-2:123456789012:key/12345678-1234-1234-1234-123456789012"
log_retention_days           = 7
mq_deployment_mode           = "ACTIVE_STANDBY_MULTI_AZ"
mq_instance_type             = "mq.m5.large"
ssh_cidr_blocks              = ["203.0.113.0/24"]
vpc_flow_logs                = { retention_days = 14 }
vpc_internet_egress_roles    = ["worker"]
vpc_nat_mode                 = "single"
vpc_subnets = {
  private_cidr_blocks = ["10.0.100.0/24", "10.0.101.0/24"]
  public_cidr_blocks  = ["10.0.200.0/24", "10.0.201.0/24"]
}
web_access_logs           = { bucket_name = "example-logs", prefix = "web" }
web_certificate_arn       = "arn:aws:acm:ap-northeast-2:123456789012:certificate/00000000-0000-0000-0000-000000000000"
web_cidr_blocks           = ["0.0.0.0/0"]
web_command               = ["serve", "--quick"]
web_container_image       = "example.com/web:2.0"
web_cpu_target_value      = 40
web_desired_count         = 3
web_domain_name           = "judge.example.com"
web_enable_internal       = true
web_health_check_path     = "/ready"
web_instance_type         = "m7g.large"
web_max_capacity          = 8
web_min_capacity          = 1
web_port                  = 9000
web_requests_target_value = 600
web_settings              = { THEME = "dark" }
web_ssh_key_name          = "others"
web_waf_acl_arn           = "arn:aws:wafv2:ap-northeast-2:123456789012:regional/webacl/judge/12345678-1234-1234-1234-123456789012"
