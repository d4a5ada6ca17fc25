# A web tier that may be deleted at any time, and gets results from Redis.
enable_data_protection = false
enable_redis           = true
enable_web_tier        = true
web_certificate_arn    = "arn:aws:acm:ap-northeast-2:123456789012:certificate/12345678-1234-1234-1234-123456789012"
web_cidr_blocks        = ["203.0.113.0/24"]
web_container_image    = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/judge-web:1.0"
web_image_id           = "ami-0123456789abcdef0"
