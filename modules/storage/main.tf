locals {
  # https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
  reserved_name_starts = ["xn--", "sthree-", "amzn-s3-demo-"]
  reserved_name_ends   = ["-an", "-s3alias", "--ol-s3", "--x-s3", "--table-s3"]

  sse_algorithm = var.kms_key_arn == null ? "AES256" : "aws:kms"
}

resource "aws_s3_bucket" "this" {
  # checkov:skip=CKV_AWS_18: access_logs is for the environment to choose; who did what is in the results and in the database
  # checkov:skip=CKV_AWS_144: a second region is no part of this system
  # checkov:skip=CKV_AWS_145: AES-256 with the keys of S3 is what the contract names; kms_key_arn chooses a key of your own
  # checkov:skip=CKV2_AWS_62: work is announced by a message, not by an object; notifications is for other uses
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

    # one data key for many objects: hundreds of times fewer calls to KMS, which bills each
    bucket_key_enabled = var.kms_key_arn == null ? null : true
  }
}

resource "aws_s3_bucket_versioning" "this" {
  bucket = aws_s3_bucket.this.id

  versioning_configuration {
    # A bucket that never was versioned cannot be "Suspended" to no effect: that is what it means here.
    status = var.enable_versioning ? "Enabled" : "Suspended"
  }
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
