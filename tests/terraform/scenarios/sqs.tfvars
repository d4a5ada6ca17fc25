# SQS instead of a broker, with a web tier.
db_admin_password       = "a-Password-for-tests-1"
enable_web_tier         = true
sqs_settings            = { enable_priority_queue = false, max_receive_count = 20, retention_days = 7, result_retention_days = 1, visibility_seconds = 300, wait_seconds = 10 }
use_sqs_queue           = true
web_certificate_arn     = "arn:aws:acm:ap-northeast-2:123456789012:certificate/12345678-1234-1234-1234-123456789012"
web_cidr_blocks         = ["203.0.113.0/24"]
web_container_image     = "example.com/web:1.0"
