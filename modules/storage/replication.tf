# Only with replication: copies of new objects in another bucket.

locals {
  _replicas = [for each in var.replication[*] : merge(each, {
    prefixes = each.prefixes != null ? each.prefixes : concat(
      ["problems/", "results/", "submissions/"], var.enable_functions ? ["functions/"] : [],
    )
  })]

  # arn:<partition>:s3:::<name>
  _replica_objects = [for each in local._replicas : "${each.bucket_arn}/*"]
  _source_objects  = [for prefix in flatten(local._replicas[*].prefixes) : "${aws_s3_bucket.this.arn}/${prefix}*"]

  replication_statements = [for statement in [
    {
      Sid      = "ReadBucket"
      Effect   = "Allow"
      Action   = ["s3:GetReplicationConfiguration", "s3:ListBucket"]
      Resource = aws_s3_bucket.this.arn
    },
    {
      Sid    = "ReadVersions"
      Effect = "Allow"
      Action = concat(
        ["s3:GetObjectVersionAcl", "s3:GetObjectVersionForReplication", "s3:GetObjectVersionTagging"],
        var.object_lock == null ? [] : ["s3:GetObjectLegalHold", "s3:GetObjectRetention"],
      )
      Resource = local._source_objects
    },
    {
      Sid    = "WriteCopies"
      Effect = "Allow"
      Action = concat(
        ["s3:ReplicateObject", "s3:ReplicateTags"],
        [for each in local._replicas : "s3:ReplicateDelete" if each.delete_markers],
        [for each in local._replicas : "s3:ObjectOwnerOverrideToBucketOwner" if each.account_id != null],
      )
      Resource = local._replica_objects
    },
    var.kms_key_arn == null ? null : {
      Sid       = "DecryptObjects"
      Effect    = "Allow"
      Action    = "kms:Decrypt"
      Resource  = var.kms_key_arn
      Condition = { StringEquals = { "kms:ViaService" = "s3.${split(":", var.kms_key_arn)[3]}.amazonaws.com" } }
    },
    try(var.replication.kms_key_arn, null) == null ? null : {
      Sid       = "EncryptCopies"
      Effect    = "Allow"
      Action    = "kms:Encrypt"
      Resource  = var.replication.kms_key_arn
      Condition = { StringEquals = { "kms:ViaService" = "s3.${split(":", var.replication.kms_key_arn)[3]}.amazonaws.com" } }
    },
  ] : statement if statement != null]
}

resource "aws_iam_role" "replication" {
  count = var.replication == null ? 0 : 1

  name = coalesce(var.replication.role_name, "${var.bucket_name}-replication")
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "s3.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy" "replication" {
  count = var.replication == null ? 0 : 1

  name   = "copy-objects"
  role   = aws_iam_role.replication[0].id
  policy = jsonencode({ Version = "2012-10-17", Statement = local.replication_statements })
}

resource "aws_s3_bucket_replication_configuration" "this" {
  count = var.replication == null ? 0 : 1

  bucket = aws_s3_bucket.this.id
  role   = aws_iam_role.replication[0].arn

  dynamic "rule" {
    for_each = local._replicas[0].prefixes

    content {
      id       = trimsuffix(rule.value, "/")
      priority = rule.key
      status   = "Enabled"

      filter {
        prefix = rule.value
      }

      delete_marker_replication {
        status = var.replication.delete_markers ? "Enabled" : "Disabled"
      }

      destination {
        bucket        = var.replication.bucket_arn
        account       = var.replication.account_id
        storage_class = var.replication.storage_class

        # The owner of another account's bucket owns the copies.
        dynamic "access_control_translation" {
          for_each = var.replication.account_id[*]

          content {
            owner = "Destination"
          }
        }

        dynamic "encryption_configuration" {
          for_each = var.replication.kms_key_arn[*]

          content {
            replica_kms_key_id = encryption_configuration.value
          }
        }
      }

      dynamic "source_selection_criteria" {
        for_each = var.replication.kms_key_arn[*]

        content {
          sse_kms_encrypted_objects {
            status = "Enabled"
          }
        }
      }
    }
  }

  # S3 requires versioning, and starts to copy at once.
  depends_on = [aws_iam_role_policy.replication, aws_s3_bucket_versioning.this]
}
