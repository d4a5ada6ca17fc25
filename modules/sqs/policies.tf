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
    api = [
      { sid = "SendRequests", purposes = local.sources, actions = ["sqs:GetQueueAttributes", "sqs:SendMessage"] },
      { sid = "CountDeadLetters", purposes = ["dead_letter"], actions = ["sqs:GetQueueAttributes"] },
    ]
    operator = [
      {
        sid      = "InspectMoveAndPurge"
        purposes = keys(local.names)
        actions = concat(local._consume, [
          "sqs:CancelMessageMoveTask", "sqs:GetQueueUrl", "sqs:ListMessageMoveTasks", "sqs:PurgeQueue", "sqs:SendMessage",
          "sqs:StartMessageMoveTask",
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

  # Folders of large bodies that each role reads and writes; the lifecycle of the bucket deletes them.
  _bodies = {
    api      = { read = [], write = "submissions" }
    operator = { read = ["results", "submissions"], write = "results" }
    web      = { read = ["results"], write = "submissions" }
    worker   = { read = ["results", "submissions"], write = "results" }
  }
  _bucket = var.bucket_arn == null ? "" : var.bucket_arn
  _use_bucket = { for role, folders in local._bodies : role => [for statement in [
    {
      Sid      = "ReadLargeBodies"
      Effect   = "Allow"
      Action   = "s3:GetObject"
      Resource = [for folder in folders.read : "${local._bucket}/${folder}/messages/*"]
    },
    {
      Sid      = "WriteLargeBodies"
      Effect   = "Allow"
      Action   = "s3:PutObject"
      Resource = "${local._bucket}/${folders.write}/messages/*"
    },
  ] : statement if var.bucket_arn != null && length(flatten([statement.Resource])) > 0] }

  policies = { for role, rights in local._rights : role => jsonencode({
    Version = "2012-10-17"
    Statement = concat([
      for right in rights : {
        Sid      = right.sid
        Effect   = "Allow"
        Action   = sort(right.actions)
        Resource = [for purpose in sort(right.purposes) : local.arns[purpose]]
      }
    ], local._use_key, local._use_bucket[role])
  }) }
}
