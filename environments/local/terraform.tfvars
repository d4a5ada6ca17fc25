# Rendered from environment.yaml by `gradectl render local`. Change that file, not this one.
aws_account_id          = "123456789012"
aws_region              = "ap-northeast-2"
ecs_desired_count       = 2
ecs_max_capacity        = 2
ecs_min_capacity        = 1
emulated                = true
enable_data_protection  = false
environment_name        = "local"
grading_worker_settings = { RETRY_DELAY_MS = "1000", WORKER_SLOTS = "1" }
