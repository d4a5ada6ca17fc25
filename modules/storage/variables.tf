variable "access_logs" {
  description = "Where S3 writes a log of every request to; null writes none."
  type = object({
    bucket_name = string           # another bucket, in the same region and account
    prefix      = optional(string) # null: the name of this bucket and a slash
  })
  default = null

  validation {
    condition = var.access_logs == null ? true : (
      can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.access_logs.bucket_name)) &&
      var.access_logs.bucket_name != var.bucket_name
    )
    error_message = "access_logs.bucket_name must be the name of another bucket than this one: a log of its own log never ends."
  }

  validation {
    condition     = try(var.access_logs.prefix, null) == null ? true : can(regex("^[A-Za-z0-9!_.*'()-][A-Za-z0-9!_.*'()/-]{0,254}/$", var.access_logs.prefix))
    error_message = "access_logs.prefix must have up to 256 characters of letters, digits, !_.*'()- and /, must not start with a slash and must end with one."
  }
}

variable "bucket_name" {
  description = "Name of the bucket; unique in all of AWS."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.bucket_name))
    error_message = "bucket_name must have 3 to 63 characters of a-z, 0-9 and -, with a letter or digit at both ends; no dots, because the certificate of S3 does not cover them."
  }

  validation {
    condition     = !anytrue([for start in local.reserved_name_starts : startswith(var.bucket_name, start)])
    error_message = "bucket_name must not start with ${join(", ", local.reserved_name_starts)}: S3 keeps these for itself."
  }

  validation {
    condition     = !anytrue([for end in local.reserved_name_ends : endswith(var.bucket_name, end)])
    error_message = "bucket_name must not end with ${join(", ", local.reserved_name_ends)}: S3 keeps these for itself."
  }
}

variable "cors" {
  description = "Web pages that may upload straight to the bucket with a presigned URL; null lets none."
  type = object({
    origins         = list(string)                                                       # https://host or https://host:port
    methods         = optional(list(string), ["PUT"])                                    # of GET, HEAD, POST and PUT
    headers         = optional(list(string), ["content-type", "content-md5", "x-amz-*"]) # that the page may send
    max_age_seconds = optional(number, 3600)                                             # for which browsers keep the answer
  })
  default = null

  validation {
    condition = var.cors == null ? true : length(var.cors.origins) > 0 && alltrue([
      for origin in var.cors.origins : can(regex("^https://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?$", origin))
    ])
    error_message = "cors.origins must be one or more origins such as https://judge.example.com or https://judge.example.com:8443: https, in lower case, no path and no *."
  }

  validation {
    condition     = var.cors == null ? true : length(var.cors.methods) > 0 && length(setsubtract(var.cors.methods, ["GET", "HEAD", "POST", "PUT"])) == 0
    error_message = "cors.methods must be one or more of GET, HEAD, POST and PUT."
  }

  validation {
    condition     = var.cors == null ? true : alltrue([for header in var.cors.headers : can(regex("^[A-Za-z0-9-]+\\*?$", header))])
    error_message = "cors.headers must be names of headers, each with at most one * and that at its end; * alone is not allowed."
  }

  validation {
    condition     = var.cors == null ? true : var.cors.max_age_seconds >= 0 && var.cors.max_age_seconds <= 86400 && floor(var.cors.max_age_seconds) == var.cors.max_age_seconds
    error_message = "cors.max_age_seconds must be a whole number from 0 to 86400."
  }
}

variable "enable_versioning" {
  description = "Keep old versions of overwritten and deleted objects."
  type        = bool
  default     = true
}

variable "force_destroy" {
  description = "Delete the bucket even when objects are in it."
  type        = bool
  default     = false
}

variable "kms_key_arn" {
  description = "ARN of the KMS key that objects are encrypted with (SSE-KMS with a bucket key); null encrypts them with AES-256 and the keys of S3."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null ? true : can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[a-zA-Z0-9-]+$", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a key, arn:aws:kms:<region>:<account>:key/<id>, or null; an alias cannot be named in a policy."
  }
}

variable "lifecycle_days" {
  description = "Ages of submissions and results in days; null keeps them for ever. lifecycle_rules overrides it prefix by prefix."
  type = object({
    archive    = optional(number)     # at which they move to STANDARD_IA; null: never
    expiration = optional(number, 90) # at which they are deleted
    noncurrent = optional(number, 30) # after which an old version is deleted
  })
  default = {}

  validation {
    condition = var.lifecycle_days == null ? true : alltrue([
      for days in [var.lifecycle_days.expiration, var.lifecycle_days.noncurrent] : days >= 1 && floor(days) == days
    ])
    error_message = "lifecycle_days.expiration and noncurrent must be whole days, at least 1."
  }

  validation {
    condition = try(var.lifecycle_days.archive, null) == null ? true : (
      30 <= var.lifecycle_days.archive && var.lifecycle_days.archive < var.lifecycle_days.expiration && floor(var.lifecycle_days.archive) == var.lifecycle_days.archive
    )
    error_message = "lifecycle_days.archive must be whole days, at least 30 (S3's rule for STANDARD_IA) and less than expiration, or null."
  }
}

variable "lifecycle_rules" {
  description = "Prefix (such as results/) to its own rule, which replaces that of lifecycle_days or the one day of temp/. What is left out never happens. A prefix inside another (results/trials/) can only go earlier than that one."
  type = map(object({
    archive_days    = optional(map(number), {}) # storage class to the age in days at which objects move there
    expiration_days = optional(number)          # age at which they are deleted
    noncurrent_days = optional(number)          # days after which an old version is deleted
    keep_versions   = optional(number)          # the newest old versions that are kept all the same, 1 to 100
  }))
  default  = {}
  nullable = false

  validation {
    condition = alltrue([
      for prefix in keys(var.lifecycle_rules) :
      can(regex("^(problems|results|submissions|temp)/([A-Za-z0-9!_.'()-]+/)*$", prefix)) && length(prefix) <= 255
    ])
    error_message = "lifecycle_rules needs prefixes that start with problems/, results/, submissions/ or temp/, end with a slash, and have at most 255 characters of letters, digits and !_.'()-."
  }

  validation {
    condition     = length(setsubtract(flatten([for rule in values(var.lifecycle_rules) : keys(rule.archive_days)]), keys(local.storage_classes))) == 0
    error_message = "lifecycle_rules[*].archive_days may name ${join(", ", keys(local.storage_classes))}."
  }

  validation {
    condition = alltrue(flatten([
      for rule in values(var.lifecycle_rules) : [
        for class, days in rule.archive_days : days >= try(local.storage_classes[class].least_days, 0) && floor(days) == days
      ]
    ]))
    error_message = "lifecycle_rules[*].archive_days must be whole days, at least ${join(", ", [for class, facts in local.storage_classes : "${facts.least_days} for ${class}"])}."
  }

  validation {
    condition     = alltrue([for rule in values(var.lifecycle_rules) : length(setintersection(keys(rule.archive_days), ["GLACIER_IR", "ONEZONE_IA"])) < 2])
    error_message = "lifecycle_rules[*].archive_days may name GLACIER_IR or ONEZONE_IA, not both: S3 moves nothing from one to the other."
  }

  validation {
    condition = alltrue([
      for rule in values(var.lifecycle_rules) : rule.expiration_days == null ? true : (
        rule.expiration_days >= 1 && floor(rule.expiration_days) == rule.expiration_days &&
        alltrue([for days in values(rule.archive_days) : days < rule.expiration_days])
      )
    ])
    error_message = "lifecycle_rules[*].expiration_days must be whole days, at least 1 and more than every one of archive_days, or null."
  }

  validation {
    condition = alltrue([
      for rule in values(var.lifecycle_rules) : rule.noncurrent_days == null ? rule.keep_versions == null : (
        rule.noncurrent_days >= 1 && floor(rule.noncurrent_days) == rule.noncurrent_days
      )
    ])
    error_message = "lifecycle_rules[*].noncurrent_days must be whole days, at least 1, or null; keep_versions needs it."
  }

  validation {
    condition = alltrue([
      for rule in values(var.lifecycle_rules) : rule.keep_versions == null ? true : (
        rule.keep_versions >= 1 && rule.keep_versions <= 100 && floor(rule.keep_versions) == rule.keep_versions
      )
    ])
    error_message = "lifecycle_rules[*].keep_versions must be a whole number from 1 to 100, or null."
  }

  validation {
    condition = alltrue([
      for prefix, rule in var.lifecycle_rules : rule.expiration_days == null && length(setintersection(keys(rule.archive_days), local.offline_classes)) == 0
      if startswith(prefix, "problems/")
    ])
    error_message = "lifecycle_rules of problems/ must have no expiration_days and no GLACIER or DEEP_ARCHIVE: workers read problems at any time, and at once."
  }

  validation {
    condition = alltrue([
      for rule in values(var.lifecycle_rules) : length(rule.archive_days) > 0 || rule.expiration_days != null || rule.noncurrent_days != null
    ])
    error_message = "lifecycle_rules needs at least one of archive_days, expiration_days and noncurrent_days for each prefix."
  }
}

variable "notifications" {
  description = "Who is told of changes in the bucket, by names of your choice; null tells nobody."
  type = object({
    eventbridge = optional(bool, false)                       # all events go to EventBridge of this account
    functions = optional(map(object({                         # Lambda functions
      arn    = string                                         # of a Lambda function
      events = optional(list(string), ["s3:ObjectCreated:*"]) # what it hears of
      prefix = optional(string, "")                           # only objects whose names start so
      suffix = optional(string, "")                           # only objects whose names end so
    })), {})
    queues = optional(map(object({                            # SQS queues
      arn    = string                                         # of an SQS queue, not FIFO
      events = optional(list(string), ["s3:ObjectCreated:*"]) # what it hears of
      prefix = optional(string, "")                           # only objects whose names start so
      suffix = optional(string, "")                           # only objects whose names end so
    })), {})
    topics = optional(map(object({                            # SNS topics
      arn    = string                                         # of an SNS topic, not FIFO
      events = optional(list(string), ["s3:ObjectCreated:*"]) # what it hears of
      prefix = optional(string, "")                           # only objects whose names start so
      suffix = optional(string, "")                           # only objects whose names end so
    })), {})
  })
  default = null

  validation {
    condition = var.notifications == null ? true : alltrue(concat(
      [for each in values(var.notifications.functions) : can(regex("^arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]+(:[A-Za-z0-9_-]+)?$", each.arn))],
      [for each in values(var.notifications.queues) : can(regex("^arn:aws[a-z-]*:sqs:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+$", each.arn))],
      [for each in values(var.notifications.topics) : can(regex("^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+$", each.arn))],
    ))
    error_message = "notifications needs ARNs of Lambda functions in functions, of SQS queues in queues and of SNS topics in topics; S3 takes no FIFO queue or topic."
  }

  validation {
    condition = var.notifications == null ? true : alltrue([
      for name in concat(keys(var.notifications.functions), keys(var.notifications.queues), keys(var.notifications.topics)) : can(regex("^[A-Za-z0-9_-]{1,64}$", name))
    ])
    error_message = "notifications needs names of 1 to 64 letters, digits, _ and -."
  }

  validation {
    condition = var.notifications == null ? true : alltrue([
      for target in concat(values(var.notifications.functions), values(var.notifications.queues), values(var.notifications.topics)) : length(target.events) > 0 && length(setsubtract(target.events, local.events)) == 0
    ])
    error_message = "notifications.*[*].events must be one or more of ${join(", ", local.events)}."
  }

  validation {
    condition = var.notifications == null ? true : alltrue([
      for target in concat(values(var.notifications.functions), values(var.notifications.queues), values(var.notifications.topics)) : target.prefix == "" || can(regex("^(problems|results|submissions|temp)/", target.prefix))
    ])
    error_message = "notifications.*[*].prefix must start with problems/, results/, submissions/ or temp/, or be empty."
  }
}
