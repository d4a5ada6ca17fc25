enable_ssh_access     = false
enable_ecs_alb_access = false
mq_enable_audit_logs  = true
enable_s3_versioning  = true
