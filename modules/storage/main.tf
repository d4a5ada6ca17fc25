locals {
  # https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
  reserved_name_starts = ["xn--", "sthree-", "amzn-s3-demo-"]
  reserved_name_ends   = ["-an", "-s3alias", "--ol-s3", "--x-s3", "--table-s3"]

  sse_algorithm = var.kms_key_arn == null ? "AES256" : "aws:kms"
}

resource "aws_s3_bucket" "this" {
  # checkov:skip=CKV_AWS_18: access_logs enables it per environment; results and database rows record who did what
  # checkov:skip=CKV_AWS_144: the system runs in one region; replication enables copies in another per environment
  # checkov:skip=CKV_AWS_145: the contract specifies AES-256 with S3 keys; kms_key_arn sets a KMS key
  # checkov:skip=CKV2_AWS_62: work arrives as messages, not as objects; notifications enables events for other uses
  bucket        = var.bucket_name
  force_destroy = var.force_destroy
}

resource "aws_s3_bucket_ownership_controls" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  bucket = aws_s3_bucket.this.id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm     = local.sse_algorithm
      kms_master_key_id = var.kms_key_arn
    }

    # one data key for many objects: hundreds of times fewer billed KMS calls
    bucket_key_enabled = var.kms_key_arn == null ? null : true
  }
}

resource "aws_s3_bucket_versioning" "this" {
  bucket = aws_s3_bucket.this.id

  versioning_configuration {
    # On a bucket that never was versioned, "Suspended" has no effect.
    status = var.enable_versioning ? "Enabled" : "Suspended"
  }
}

# Works for buckets in use, too: object_lock_enabled of the bucket itself would replace them.
resource "aws_s3_bucket_object_lock_configuration" "this" {
  count = var.object_lock == null ? 0 : 1

  bucket = aws_s3_bucket.this.id

  rule {
    default_retention {
      mode = var.object_lock.mode
      days = var.object_lock.days
    }
  }

  # S3 requires versioning.
  depends_on = [aws_s3_bucket_versioning.this]
}

resource "aws_s3_bucket_logging" "this" {
  count = var.access_logs == null ? 0 : 1

  bucket        = aws_s3_bucket.this.id
  target_bucket = var.access_logs.bucket_name
  target_prefix = coalesce(var.access_logs.prefix, "${var.bucket_name}/")
}

resource "aws_s3_bucket_cors_configuration" "this" {
  count = var.cors == null ? 0 : 1

  bucket = aws_s3_bucket.this.id

  cors_rule {
    id              = "direct-uploads"
    allowed_origins = var.cors.origins
    allowed_methods = var.cors.methods
    allowed_headers = var.cors.headers
    expose_headers  = ["ETag", "x-amz-version-id"]
    max_age_seconds = var.cors.max_age_seconds
  }
}
