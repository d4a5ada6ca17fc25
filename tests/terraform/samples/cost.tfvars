mq_deployment_mode           = "SINGLE_INSTANCE"
enable_s3_lifecycle          = true
s3_lifecycle_expiration_days = 90
