# The HTTP API on queues of SQS, with Redis, webhooks and functions.
api_task_cpu                = 512
api_task_memory             = 2048
db_admin_password           = "a-Password-for-tests-1"
db_web_password_version     = 2
enable_api                  = true
enable_functions            = true
enable_redis                = true
enable_webhooks             = true
redis_endpoint_override     = "rediss://redis.example.com:6400"
redis_maintenance_window    = "sun:19:00-sun:20:00"
redis_node_type             = "cache.m7g.large"
redis_nodes                 = 2
redis_password_version      = 3
use_sqs_queue               = true
vpc_nat_mode                = "single"
web_cidr_blocks             = ["203.0.113.0/24"]
web_domain_name             = "api.example.com"
web_hosted_zone_id          = "Z0123456789ABCDEFGHIJ"
web_waf                     = { requests_per_5_minutes = 500 }
webhook_allowed_hosts       = ["*.example.com", "lms.internal.example.com"]
webhook_private_hosts       = ["lms.internal.example.com"]
webhook_secret_version      = 4
