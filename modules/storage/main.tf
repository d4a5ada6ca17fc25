resource "aws_s3_bucket" "this" {
  # checkov:skip=CKV_AWS_18: who did what is in the results and in the database
  # checkov:skip=CKV_AWS_144: a second region is no part of this system
  # checkov:skip=CKV_AWS_145: AES-256 with the keys of S3 is what the contract names
  # checkov:skip=CKV2_AWS_62: work is announced by a message, not by an object
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
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_versioning" "this" {
  bucket = aws_s3_bucket.this.id

  versioning_configuration {
    # A bucket that never was versioned cannot be "Suspended" to no effect: that is what it means here.
    status = var.enable_versioning ? "Enabled" : "Suspended"
  }
}
