# Bucket of the load balancer's access log, unless access_logs.bucket_name is set.

locals {
  own_bucket              = var.access_logs == null ? {} : var.access_logs.bucket_name == null ? { this = var.access_logs } : {}
  access_logs_bucket_name = var.access_logs == null ? null : try(coalesce(var.access_logs.bucket_name), aws_s3_bucket.access_logs["this"].bucket)
}

resource "aws_s3_bucket" "access_logs" {
  # checkov:skip=CKV_AWS_18: a log bucket would log its own log
  # checkov:skip=CKV_AWS_21: files are written once and expire by age
  # checkov:skip=CKV_AWS_144: the system runs in one region
  # checkov:skip=CKV_AWS_145: Elastic Load Balancing supports only SSE-S3
  # checkov:skip=CKV2_AWS_62: log files need no events
  for_each = local.own_bucket

  bucket_prefix = "${var.environment_name}-web-logs-" # bucket names are globally unique
  force_destroy = each.value.force_destroy
}

resource "aws_s3_bucket_ownership_controls" "access_logs" {
  for_each = local.own_bucket

  bucket = aws_s3_bucket.access_logs[each.key].id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "access_logs" {
  for_each = local.own_bucket

  bucket = aws_s3_bucket.access_logs[each.key].id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "access_logs" {
  for_each = local.own_bucket

  bucket = aws_s3_bucket.access_logs[each.key].id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256" # Elastic Load Balancing cannot write with a KMS key
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "access_logs" {
  for_each = local.own_bucket

  bucket = aws_s3_bucket.access_logs[each.key].id

  rule {
    id     = "age"
    status = "Enabled"

    filter {}

    expiration {
      days = each.value.retention_days
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }
}

resource "aws_s3_bucket_policy" "access_logs" {
  for_each = local.own_bucket

  bucket = aws_s3_bucket.access_logs[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [aws_s3_bucket.access_logs[each.key].arn, "${aws_s3_bucket.access_logs[each.key].arn}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
      {
        Sid       = "DeliverLogs"
        Effect    = "Allow"
        Principal = { Service = "logdelivery.elasticloadbalancing.amazonaws.com" }
        Action    = "s3:PutObject"
        Resource = join("/", compact([
          aws_s3_bucket.access_logs[each.key].arn, each.value.prefix, "AWSLogs", local.account_id, "*",
        ]))
      },
    ]
  })

  # S3 accepts one change of access settings at a time.
  depends_on = [aws_s3_bucket_public_access_block.access_logs]
}
