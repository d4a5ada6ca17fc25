# Access is given by the policies of the roles; the policy of a queue only denies.
resource "aws_sqs_queue_policy" "this" {
  for_each = local.created

  queue_url = aws_sqs_queue.this[each.key].url
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "TlsOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = "sqs:*"
      Resource  = aws_sqs_queue.this[each.key].arn
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })
}

locals {
  _consume = ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]

  # Purposes and actions of each role.
  _rights = {
    worker = [
      { sid = "TakeRequests", purposes = local.sources, actions = local._consume },
      { sid = "SendResultsAndDeadLetters", purposes = ["dead_letter", "results"], actions = ["sqs:GetQueueAttributes", "sqs:SendMessage"] },
    ]
    web = [
      { sid = "SendRequests", purposes = local.sources, actions = ["sqs:GetQueueAttributes", "sqs:SendMessage"] },
      { sid = "TakeResults", purposes = ["results"], actions = local._consume },
    ]
    operator = [
      {
        sid      = "InspectMoveAndPurge"
        purposes = keys(local.names)
        actions = concat(local._consume, [
          "sqs:CancelMessageMoveTask", "sqs:ListMessageMoveTasks", "sqs:PurgeQueue", "sqs:SendMessage", "sqs:StartMessageMoveTask",
        ])
      },
    ]
  }

  # Sending needs both, receiving the first; only through SQS in the key's region.
  _use_key = local.kms_key_arn == null ? [] : [{
    Sid       = "UseKey"
    Effect    = "Allow"
    Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
    Resource  = local.kms_key_arn
    Condition = { StringEquals = { "kms:ViaService" = "sqs.${split(":", local.kms_key_arn)[3]}.amazonaws.com" } }
  }]

  # Both sides send and read large bodies; the lifecycle of the bucket deletes them.
  _use_bucket = var.bucket_arn == null ? [] : [{
    Sid      = "UseLargeBodies"
    Effect   = "Allow"
    Action   = ["s3:GetObject", "s3:PutObject"]
    Resource = "${var.bucket_arn}/temp/messages/*"
  }]

  policies = { for role, rights in local._rights : role => jsonencode({
    Version = "2012-10-17"
    Statement = concat([
      for right in rights : {
        Sid      = right.sid
        Effect   = "Allow"
        Action   = sort(right.actions)
        Resource = [for purpose in sort(right.purposes) : local.arns[purpose]]
      }
    ], local._use_key, local._use_bucket)
  }) }
}
