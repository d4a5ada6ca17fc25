locals {
  # prefixes of the finished work: they age, problems/ do not
  aging_prefixes = var.lifecycle_days == null ? toset([]) : toset(["submissions/", "results/"])
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    id     = "temp"
    status = "Enabled"

    filter {
      prefix = "temp/"
    }

    expiration {
      days = 1
    }

    noncurrent_version_expiration {
      noncurrent_days = 1
    }
  }

  rule {
    id     = "unfinished-uploads"
    status = "Enabled"

    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }

  dynamic "rule" {
    for_each = local.aging_prefixes

    content {
      id     = trimsuffix(rule.value, "/")
      status = "Enabled"

      filter {
        prefix = rule.value
      }

      dynamic "transition" {
        for_each = var.lifecycle_days.archive == null ? [] : [var.lifecycle_days.archive]

        content {
          days          = transition.value
          storage_class = "STANDARD_IA"
        }
      }

      expiration {
        days = var.lifecycle_days.expiration
      }

      noncurrent_version_expiration {
        noncurrent_days = var.lifecycle_days.noncurrent
      }
    }
  }

  # The rules for old versions need versioning to be decided first.
  depends_on = [aws_s3_bucket_versioning.this]
}
