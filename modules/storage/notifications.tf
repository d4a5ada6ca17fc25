locals {
  # https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html
  events = [
    "s3:IntelligentTiering",
    "s3:LifecycleExpiration:*",
    "s3:LifecycleExpiration:Delete",
    "s3:LifecycleExpiration:DeleteMarkerCreated",
    "s3:LifecycleTransition",
    "s3:ObjectCreated:*",
    "s3:ObjectCreated:CompleteMultipartUpload",
    "s3:ObjectCreated:Copy",
    "s3:ObjectCreated:Post",
    "s3:ObjectCreated:Put",
    "s3:ObjectRemoved:*",
    "s3:ObjectRemoved:Delete",
    "s3:ObjectRemoved:DeleteMarkerCreated",
    "s3:ObjectRestore:*",
    "s3:ObjectRestore:Completed",
    "s3:ObjectRestore:Delete",
    "s3:ObjectRestore:Post",
    "s3:ObjectTagging:*",
    "s3:ObjectTagging:Delete",
    "s3:ObjectTagging:Put",
  ]

  targets_by_kind = {
    functions = try(var.notifications.functions, {})
    queues    = try(var.notifications.queues, {})
    topics    = try(var.notifications.topics, {})
  }
  targets = merge([for kind, targets in local.targets_by_kind : { for name, target in targets : "${kind}.${name}" => target }]...)

  # pairs of targets that would receive the same event of the same object
  overlapping_targets = [
    for pair in setproduct(keys(local.targets), keys(local.targets)) : join(" and ", pair)
    if index(keys(local.targets), pair[0]) < index(keys(local.targets), pair[1]) && anytrue([
      for events in setproduct(local.targets[pair[0]].events, local.targets[pair[1]].events) :
      startswith(events[0], trimsuffix(events[1], "*")) || startswith(events[1], trimsuffix(events[0], "*"))
      ]) && (
      startswith(local.targets[pair[0]].prefix, local.targets[pair[1]].prefix) ||
      startswith(local.targets[pair[1]].prefix, local.targets[pair[0]].prefix)
      ) && (
      endswith(local.targets[pair[0]].suffix, local.targets[pair[1]].suffix) ||
      endswith(local.targets[pair[1]].suffix, local.targets[pair[0]].suffix)
    )
  ]
}

resource "aws_s3_bucket_notification" "this" {
  count = var.notifications == null ? 0 : 1

  bucket      = aws_s3_bucket.this.id
  eventbridge = var.notifications.eventbridge

  dynamic "queue" {
    for_each = local.targets_by_kind.queues

    content {
      id            = queue.key
      queue_arn     = queue.value.arn
      events        = queue.value.events
      filter_prefix = queue.value.prefix
      filter_suffix = queue.value.suffix
    }
  }

  dynamic "topic" {
    for_each = local.targets_by_kind.topics

    content {
      id            = topic.key
      topic_arn     = topic.value.arn
      events        = topic.value.events
      filter_prefix = topic.value.prefix
      filter_suffix = topic.value.suffix
    }
  }

  dynamic "lambda_function" {
    for_each = local.targets_by_kind.functions

    content {
      id                  = lambda_function.key
      lambda_function_arn = lambda_function.value.arn
      events              = lambda_function.value.events
      filter_prefix       = lambda_function.value.prefix
      filter_suffix       = lambda_function.value.suffix
    }
  }

  lifecycle {
    precondition {
      condition     = length(local.overlapping_targets) == 0
      error_message = "notifications must not have two targets for the same event of the same object, which S3 rejects: ${join("; ", local.overlapping_targets)}."
    }
  }

  # S3 checks at once that it may invoke the function.
  depends_on = [aws_lambda_permission.this]
}

resource "aws_lambda_permission" "this" {
  for_each = local.targets_by_kind.functions

  statement_id_prefix = "s3-${each.key}-"
  action              = "lambda:InvokeFunction"
  function_name       = join(":", slice(split(":", each.value.arn), 0, 7)) # with an alias or version, each plan would replace the permission
  qualifier           = try(split(":", each.value.arn)[7], null)
  principal           = "s3.amazonaws.com"
  source_arn          = aws_s3_bucket.this.arn
  source_account      = split(":", each.value.arn)[4] # another account could own a bucket of this name later
}
