# The module's topic. It needs its own key because CloudWatch cannot use alias/aws/sns.

locals {
  topic   = var.topic == null ? {} : { this = var.topic }
  own_key = var.topic == null ? {} : var.topic.kms_key_arn == null ? { this = var.topic } : {}
}

resource "aws_sns_topic" "this" {
  for_each = local.topic

  name              = "${local.prefix}-alarms"
  kms_master_key_id = try(coalesce(each.value.kms_key_arn), aws_kms_key.topic[each.key].arn)
}

resource "aws_sns_topic_policy" "this" {
  for_each = local.topic

  arn = aws_sns_topic.this[each.key].arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "AlarmsOfThisAccount"
        Effect    = "Allow"
        Principal = { Service = "cloudwatch.amazonaws.com" }
        Action    = "sns:Publish"
        Resource  = aws_sns_topic.this[each.key].arn
        Condition = { StringEquals = { "aws:SourceAccount" = split(":", aws_sns_topic.this[each.key].arn)[4] } }
      },
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sns:Publish"
        Resource  = aws_sns_topic.this[each.key].arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
    ]
  })
}

resource "aws_sns_topic_subscription" "email" {
  for_each = toset(var.topic == null ? [] : var.topic.email_addresses)

  topic_arn = aws_sns_topic.this["this"].arn
  protocol  = "email"
  endpoint  = each.key
}

resource "aws_sns_topic_subscription" "https" {
  for_each = toset(var.topic == null ? [] : var.topic.https_endpoints)

  topic_arn = aws_sns_topic.this["this"].arn
  protocol  = "https"
  endpoint  = each.key
}

resource "aws_kms_key" "topic" {
  # checkov:skip=CKV2_AWS_64: the policy is a separate resource, which takes the account from the key's ARN
  for_each = local.own_key

  description         = "Messages of the alarms of ${local.prefix}."
  enable_key_rotation = true
}

resource "aws_kms_key_policy" "topic" {
  for_each = local.own_key

  key_id = aws_kms_key.topic[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "AccountDecides"
        Effect    = "Allow"
        Principal = { AWS = "arn:${split(":", aws_kms_key.topic[each.key].arn)[1]}:iam::${split(":", aws_kms_key.topic[each.key].arn)[4]}:root" }
        Action    = "kms:*" # delegates access to IAM policies; without it the key could not be managed
        Resource  = "*"     # in a key policy, * means this key
      },
      {
        Sid       = "AlarmsOfThisAccount"
        Effect    = "Allow"
        Principal = { Service = "cloudwatch.amazonaws.com" }
        Action    = ["kms:Decrypt", "kms:GenerateDataKey*"] # also GenerateDataKeyWithoutPlaintext, as AWS documents it
        Resource  = "*"                                     # in a key policy, * means this key
        Condition = { StringEquals = { "aws:SourceAccount" = split(":", aws_kms_key.topic[each.key].arn)[4] } }
      },
    ]
  })
}
