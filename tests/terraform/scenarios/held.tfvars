# A system without protection, history or autoscaling, whose image a pipeline deploys.
alarm_topic                        = { email_addresses = ["on-call@example.com"] }
db_enable_final_snapshot           = false
db_keep_backups                    = false
ecs_desired_count                  = 3
ecs_ignore_task_definition_changes = true
enable_data_protection             = false
enable_ecs_autoscaling             = false
enable_s3_lifecycle                = false
enable_s3_versioning               = false
environment_name                   = "judge"
mq_enable_role_users               = false
vpc_interface_endpoints            = ["ecr.api", "ecr.dkr", "logs", "monitoring", "ssm"]
vpc_subnets                        = { per_zone = 2 }
