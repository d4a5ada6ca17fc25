resource "aws_sqs_queue" "this" {
  # checkov:skip=CKV_AWS_27: encrypted with the key of SQS, or with kms_key_arn; the check knows only the latter
  for_each = local.created

  name                       = each.value.name
  delay_seconds              = 0
  max_message_size           = 262144 # larger bodies go through the bucket
  message_retention_seconds  = each.value.retention_days * 86400
  receive_wait_time_seconds  = var.wait_seconds
  visibility_timeout_seconds = var.visibility_seconds

  kms_master_key_id       = var.kms_key_arn
  sqs_managed_sse_enabled = var.kms_key_arn == null ? true : null
}

locals {
  # Logical purpose of each queue to the end of its name.
  _ends = merge(
    { dead_letter = "dlq", requests = "requests", results = "results" },
    var.enable_priority_queue ? { priority = "priority" } : {},
  )

  # Queues that the module creates, by purpose.
  created = var.existing != null ? {} : {
    for purpose, end in local._ends : purpose => {
      name           = coalesce(var.names[purpose], "${var.name}-${end}")
      retention_days = purpose == "results" ? var.retention_days.results : purpose == "dead_letter" ? var.retention_days.dead_letters : var.retention_days.requests
    }
  }

  existing_arns = { for purpose, arn in {
    dead_letter = try(var.existing.dead_letter_arn, null)
    priority    = try(var.existing.priority_arn, null)
    requests    = try(var.existing.requests_arn, null)
    results     = try(var.existing.results_arn, null)
  } : purpose => arn if arn != null }

  # domain of SQS by partition, for the URLs of existing queues
  _domains = {
    aws        = "amazonaws.com"
    aws-cn     = "amazonaws.com.cn"
    aws-us-gov = "amazonaws.com"
  }
  _existing = { for purpose, arn in local.existing_arns : purpose => split(":", arn) }

  arns  = merge({ for purpose, queue in aws_sqs_queue.this : purpose => queue.arn }, local.existing_arns)
  names = merge({ for purpose, queue in local.created : purpose => queue.name }, { for purpose, parts in local._existing : purpose => parts[5] })
  urls = merge(
    { for purpose, queue in aws_sqs_queue.this : purpose => queue.url },
    { for purpose, parts in local._existing : purpose => "https://sqs.${parts[3]}.${local._domains[parts[1]]}/${parts[4]}/${parts[5]}" },
  )

  # queues from which workers read
  sources     = toset([for purpose in ["priority", "requests"] : purpose if contains(keys(local.names), purpose)])
  kms_key_arn = var.existing == null ? var.kms_key_arn : var.existing.kms_key_arn
}

# --- dead letters ---

# The second net: workers send dead letters themselves, with the reason, after far fewer attempts. This moves messages
# on which no worker gets as far as counting.
resource "aws_sqs_queue_redrive_policy" "this" {
  for_each = var.existing == null ? local.sources : []

  queue_url = aws_sqs_queue.this[each.key].url
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.this["dead_letter"].arn
    maxReceiveCount     = var.max_receive_count
  })
}

# No other queue of the account may use this one for its dead letters.
resource "aws_sqs_queue_redrive_allow_policy" "this" {
  count = var.existing == null ? 1 : 0

  queue_url = aws_sqs_queue.this["dead_letter"].url
  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [for purpose in sort(local.sources) : aws_sqs_queue.this[purpose].arn]
  })
}
