# Options of the load balancer and its log.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  environment_name   = "test"
  region             = "ap-northeast-2"
  vpc_id             = "vpc-0123456789abcdef0"
  subnet_ids         = { public = ["subnet-1", "subnet-2"], private = ["subnet-3", "subnet-4"] }
  security_group_ids = { load_balancer = "sg-1", web = "sg-2" }
  certificate_arn    = "arn:aws:acm:ap-northeast-2:123456789012:certificate/00000000-0000-0000-0000-000000000000"
  application        = { image = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/test-web:1.4.2" }
}

run "an_internal_load_balancer" {
  command = plan

  variables {
    load_balancer = { internal = true }
    subnet_ids    = { private = ["subnet-3", "subnet-4"] }
  }

  assert {
    condition     = aws_lb.this.internal && aws_lb.this.subnets == toset(["subnet-3", "subnet-4"])
    error_message = "The load balancer is in the private subnets; public ones are optional."
  }
}

run "uses_all_options_of_the_load_balancer" {
  command = plan

  variables {
    load_balancer = {
      deletion_protection  = false
      domain_name          = "grading.example.com"
      idle_timeout_seconds = 120
      ssl_policy           = "ELBSecurityPolicy-TLS13-1-3-2021-06"
    }
  }

  assert {
    condition = (
      aws_lb.this.enable_deletion_protection == false && aws_lb.this.idle_timeout == 120 &&
      aws_lb_listener.https.ssl_policy == "ELBSecurityPolicy-TLS13-1-3-2021-06"
    )
    error_message = "The given values are used."
  }

  assert {
    condition     = output.url == "https://grading.example.com/"
    error_message = "The URL contains the domain name of the certificate."
  }
}

run "a_web_acl_in_front" {
  command = plan

  variables {
    waf_acl_arn = "arn:aws:wafv2:ap-northeast-2:123456789012:regional/webacl/grading/00000000-0000-0000-0000-000000000000"
  }

  assert {
    condition     = aws_wafv2_web_acl_association.this[0].web_acl_arn == var.waf_acl_arn
    error_message = "The web ACL is associated with the load balancer."
  }
}

run "the_access_log_bucket_is_private" {
  assert {
    condition = (
      aws_s3_bucket.access_logs["this"].bucket_prefix == "test-web-logs-" && aws_s3_bucket.access_logs["this"].force_destroy == false &&
      output.access_logs_bucket_name == "test-web-logs-20240820" && aws_lb.this.access_logs[0].bucket == "test-web-logs-20240820" && aws_lb.this.access_logs[0].enabled
    )
    error_message = "The load balancer writes to a bucket of the module."
  }

  assert {
    condition = (
      one(aws_s3_bucket_server_side_encryption_configuration.access_logs["this"].rule).apply_server_side_encryption_by_default[0].sse_algorithm == "AES256" &&
      aws_s3_bucket_public_access_block.access_logs["this"].restrict_public_buckets &&
      aws_s3_bucket_public_access_block.access_logs["this"].block_public_policy
    )
    error_message = "The bucket is encrypted with AES-256 and private."
  }

  assert {
    condition = (
      jsondecode(aws_s3_bucket_policy.access_logs["this"].policy).Statement[1] == {
        Sid       = "DeliverLogs"
        Effect    = "Allow"
        Principal = { Service = "logdelivery.elasticloadbalancing.amazonaws.com" }
        Action    = "s3:PutObject"
        Resource  = "arn:aws:s3:::test-web-logs-20240820/AWSLogs/123456789012/*"
      }
    )
    error_message = "Only Elastic Load Balancing writes there, under this account."
  }

  assert {
    condition     = jsondecode(aws_s3_bucket_policy.access_logs["this"].policy).Statement[0].Condition == { Bool = { "aws:SecureTransport" = "false" } }
    error_message = "TLS is required."
  }

  assert {
    condition     = aws_s3_bucket_lifecycle_configuration.access_logs["this"].rule[0].expiration[0].days == 90
    error_message = "Files are deleted after 90 days."
  }
}

run "logs_to_an_existing_bucket" {
  command = plan

  variables {
    access_logs = { bucket_name = "example-access-logs", prefix = "web/test" }
  }

  assert {
    condition = (
      aws_lb.this.access_logs[0].bucket == "example-access-logs" && aws_lb.this.access_logs[0].prefix == "web/test" &&
      output.access_logs_bucket_name == "example-access-logs"
    )
    error_message = "The log is written to the given bucket."
  }

  assert {
    condition     = length(aws_s3_bucket.access_logs) + length(aws_s3_bucket_policy.access_logs) == 0
    error_message = "No bucket and no bucket policy is created."
  }
}

run "the_log_bucket_has_options" {
  variables {
    access_logs = { force_destroy = true, prefix = "web", retention_days = 7 }
  }

  assert {
    condition = (
      aws_s3_bucket.access_logs["this"].force_destroy &&
      aws_s3_bucket_lifecycle_configuration.access_logs["this"].rule[0].expiration[0].days == 7
    )
    error_message = "Files expire after a week, and the bucket can be deleted with its files."
  }

  assert {
    condition = (
      jsondecode(aws_s3_bucket_policy.access_logs["this"].policy).Statement[1].Resource ==
      "arn:aws:s3:::test-web-logs-20240820/web/AWSLogs/123456789012/*" && aws_lb.this.access_logs[0].prefix == "web"
    )
    error_message = "The policy follows the prefix."
  }
}

run "no_access_log" {
  command = plan

  variables {
    access_logs = null
  }

  assert {
    condition     = length(aws_lb.this.access_logs) == 0 && length(aws_s3_bucket.access_logs) == 0 && output.access_logs_bucket_name == null
    error_message = "Null disables it."
  }
}
