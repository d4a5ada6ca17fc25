# The HTTP API with the broker, without Redis of its own, on a certificate that exists.
db_admin_password    = "a-Password-for-tests-1"
db_web_username      = "exams_web"
enable_api           = true
enable_redis         = true
mq_admin_password    = "a-Password-for-tests-1"
redis_existing       = { url_parameter = "/shared/redis/url", password_parameter = "/shared/redis/password", security_group_ids = ["sg-0123456789abcdef7"], port = 6380 }
web_certificate_arn  = "arn:aws:acm:ap-northeast-2:123456789012:certificate/12345678-1234-1234-1234-123456789012"
web_cidr_blocks      = ["203.0.113.0/24"]
web_cpu_target_value = null
web_desired_count    = 3
