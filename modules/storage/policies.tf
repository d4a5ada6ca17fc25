locals {
  _objects = "${aws_s3_bucket.this.arn}/*"

  # Denials that override every permission.
  _deny = [for statement in [
    {
      Sid       = "TlsOnly"
      Effect    = "Deny"
      Resource  = [aws_s3_bucket.this.arn, local._objects]
      Action    = "s3:*"
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    },
    {
      Sid       = "Tls12OrNewer"
      Effect    = "Deny"
      Resource  = [aws_s3_bucket.this.arn, local._objects]
      Action    = "s3:*"
      Condition = { NumericLessThan = { "s3:TlsVersion" = "1.2" } }
    },
    {
      # an upload without an encryption header gets the bucket's default
      Sid      = "NoOtherEncryption"
      Effect   = "Deny"
      Resource = local._objects
      Action   = "s3:PutObject"
      Condition = {
        Null            = { "s3:x-amz-server-side-encryption" = "false" }
        StringNotEquals = { "s3:x-amz-server-side-encryption" = local.sse_algorithm }
      }
    },
    {
      # with SSE-C, only the uploader could read the object
      Sid       = "NoKeyOfTheWritersOwn"
      Effect    = "Deny"
      Resource  = local._objects
      Action    = "s3:PutObject"
      Condition = { Null = { "s3:x-amz-server-side-encryption-customer-algorithm" = "false" } }
    },
    var.kms_key_arn == null ? null : {
      Sid      = "NoOtherKey"
      Effect   = "Deny"
      Resource = local._objects
      Action   = "s3:PutObject"
      Condition = {
        Null            = { "s3:x-amz-server-side-encryption-aws-kms-key-id" = "false" }
        StringNotEquals = { "s3:x-amz-server-side-encryption-aws-kms-key-id" = var.kms_key_arn }
      }
    },
    var.kms_key_arn == null ? null : {
      # aws:kms without a key ID means the account's S3 key, not the bucket's key
      Sid      = "NoUnnamedKey"
      Effect   = "Deny"
      Resource = local._objects
      Action   = "s3:PutObject"
      Condition = {
        StringEquals = { "s3:x-amz-server-side-encryption" = "aws:kms" }
        Null         = { "s3:x-amz-server-side-encryption-aws-kms-key-id" = "true" }
      }
    },
  ] : merge({ Principal = "*" }, statement) if statement != null]
}

resource "aws_s3_bucket_policy" "this" {
  bucket = aws_s3_bucket.this.id
  policy = jsonencode({ Version = "2012-10-17", Statement = local._deny })

  # S3 accepts one change of access settings at a time.
  depends_on = [aws_s3_bucket_public_access_block.this]
}

locals {
  # Reading needs the first action, writing both; only through S3 in the key's region.
  _use_key = var.kms_key_arn == null ? [] : [{
    Sid       = "UseKey"
    Effect    = "Allow"
    Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
    Resource  = var.kms_key_arn
    Condition = { StringEquals = { "kms:ViaService" = "s3.${split(":", var.kms_key_arn)[3]}.amazonaws.com" } }
  }]

  worker_policy = {
    Version = "2012-10-17"
    Statement = concat([
      {
        Sid      = "ListBucket"
        Effect   = "Allow"
        Action   = "s3:ListBucket"
        Resource = aws_s3_bucket.this.arn
      },
      {
        Sid      = "ReadObjects"
        Effect   = "Allow"
        Action   = "s3:GetObject"
        Resource = [for prefix in concat(var.enable_functions ? ["functions"] : [], ["problems", "results", "submissions"]) : "${aws_s3_bucket.this.arn}/${prefix}/*"]
      },
      {
        Sid      = "WriteObjects"
        Effect   = "Allow"
        Action   = ["s3:PutObject", "s3:AbortMultipartUpload"]
        Resource = [for prefix in ["results", "temp"] : "${aws_s3_bucket.this.arn}/${prefix}/*"]
      },
    ], local._use_key)
  }

  # The API finds out whether an object exists, which S3 tells only those who may list the bucket. Test cases, sources,
  # results and the files of functions are out of its reach.
  api_policy = {
    Version = "2012-10-17"
    Statement = concat([
      {
        Sid      = "ListBucket"
        Effect   = "Allow"
        Action   = "s3:ListBucket"
        Resource = aws_s3_bucket.this.arn
      },
      {
        Sid      = "UploadSubmissions"
        Effect   = "Allow"
        Action   = ["s3:PutObject", "s3:AbortMultipartUpload"]
        Resource = "${aws_s3_bucket.this.arn}/submissions/*"
      },
      {
        Sid    = "ReadMetadataAndStatements"
        Effect = "Allow"
        Action = "s3:GetObject"
        Resource = [for pattern in [
          "problems/*/description.md", "problems/*/problem.yaml", "submissions/*/metadata.json",
        ] : "${aws_s3_bucket.this.arn}/${pattern}"]
      },
    ], local._use_key)
  }

  web_policy = {
    Version = "2012-10-17"
    Statement = concat([
      {
        Sid      = "UploadSubmissions"
        Effect   = "Allow"
        Action   = ["s3:PutObject", "s3:AbortMultipartUpload"]
        Resource = "${aws_s3_bucket.this.arn}/submissions/*"
      },
      {
        Sid      = "ReadResults"
        Effect   = "Allow"
        Action   = "s3:GetObject"
        Resource = "${aws_s3_bucket.this.arn}/results/*"
      },
    ], local._use_key)
  }
}
