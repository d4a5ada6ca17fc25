locals {
  # minimum age in days for a transition to each class, and minimum days in it before the next transition,
  # in the order of the S3 transition waterfall
  storage_class_order = ["STANDARD_IA", "INTELLIGENT_TIERING", "ONEZONE_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"]
  storage_classes = {
    STANDARD_IA         = { least_days = 30, stay_days = 30 }
    INTELLIGENT_TIERING = { least_days = 0, stay_days = 1 }
    ONEZONE_IA          = { least_days = 30, stay_days = 30 }
    GLACIER_IR          = { least_days = 0, stay_days = 1 }
    GLACIER             = { least_days = 0, stay_days = 1 }
    DEEP_ARCHIVE        = { least_days = 0, stay_days = 1 }
  }

  # objects in these classes must be restored before they can be read, which takes hours
  offline_classes = ["GLACIER", "DEEP_ARCHIVE"]

  # transitions of each prefix in order, then each transition paired with the next
  _steps = {
    for prefix, rule in var.lifecycle_rules : prefix => [
      for class in local.storage_class_order :
      { days = rule.archive_days[class], stay_days = local.storage_classes[class].stay_days }
      if contains(keys(rule.archive_days), class)
    ]
  }
  archive_steps = {
    for prefix, steps in local._steps : prefix => [
      for index in range(max(0, length(steps) - 1)) : { earlier = steps[index], later = steps[index + 1] }
    ]
  }

  # default rules, which lifecycle_rules overrides: submissions and results expire, problems/ do not
  _aging = var.lifecycle_days == null ? {} : {
    for prefix in ["results/", "submissions/"] : prefix => {
      archive_days    = var.lifecycle_days.archive == null ? tomap({}) : tomap({ STANDARD_IA = var.lifecycle_days.archive })
      expiration_days = var.lifecycle_days.expiration
      noncurrent_days = var.lifecycle_days.noncurrent
      keep_versions   = null
    }
  }
  _temporary = {
    "temp/" = { archive_days = tomap({}), expiration_days = 1, noncurrent_days = 1, keep_versions = null }
  }
  lifecycle_rules = merge(local._temporary, local._aging, var.lifecycle_rules)

  # S3 applies all rules that match an object, so an inner prefix cannot keep what an outer one deletes.
  _never = 1000000
  outlived_prefixes = [
    for pair in setproduct(keys(local.lifecycle_rules), keys(local.lifecycle_rules)) : "${pair[1]} in ${pair[0]}"
    if pair[0] != pair[1] && startswith(pair[1], pair[0]) && (
      coalesce(local.lifecycle_rules[pair[1]].expiration_days, local._never) > coalesce(local.lifecycle_rules[pair[0]].expiration_days, local._never) ||
      coalesce(local.lifecycle_rules[pair[1]].noncurrent_days, local._never) > coalesce(local.lifecycle_rules[pair[0]].noncurrent_days, local._never) ||
      local.lifecycle_rules[pair[0]].noncurrent_days != null &&
      coalesce(local.lifecycle_rules[pair[1]].keep_versions, 0) > coalesce(local.lifecycle_rules[pair[0]].keep_versions, 0)
    )
  ]
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  # checkov:skip=CKV_AWS_300: the rule unfinished-uploads does; checkov does not see it next to a dynamic block
  bucket = aws_s3_bucket.this.id

  rule {
    id     = "unfinished-uploads"
    status = "Enabled"

    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }

  dynamic "rule" {
    for_each = local.lifecycle_rules

    content {
      id     = trimsuffix(rule.key, "/")
      status = "Enabled"

      filter {
        prefix = rule.key
      }

      dynamic "transition" {
        for_each = [for class in local.storage_class_order : class if contains(keys(rule.value.archive_days), class)]

        content {
          days          = rule.value.archive_days[transition.value]
          storage_class = transition.value
        }
      }

      dynamic "expiration" {
        for_each = rule.value.expiration_days == null ? [] : [rule.value.expiration_days]

        content {
          days = expiration.value
        }
      }

      dynamic "noncurrent_version_expiration" {
        for_each = rule.value.noncurrent_days == null ? [] : [rule.value.noncurrent_days]

        content {
          noncurrent_days           = noncurrent_version_expiration.value
          newer_noncurrent_versions = rule.value.keep_versions
        }
      }
    }
  }

  lifecycle {
    precondition {
      condition     = alltrue([for pair in flatten(values(local.archive_steps)) : pair.later.days >= pair.earlier.days + pair.earlier.stay_days])
      error_message = "lifecycle_rules[*].archive_days must increase in the order ${join(", ", local.storage_class_order)}, with at least 30 days in STANDARD_IA and ONEZONE_IA and 1 day in the others."
    }

    precondition {
      condition     = length(local.outlived_prefixes) == 0
      error_message = "lifecycle_rules of a prefix inside another must not exceed the outer expiration_days, noncurrent_days and keep_versions, because S3 applies both rules (${join("; ", local.outlived_prefixes)}): give the outer prefix the longest time, and add rules for inner prefixes that expire earlier."
    }
  }

  # Rules for noncurrent versions require the versioning state.
  depends_on = [aws_s3_bucket_versioning.this]
}
