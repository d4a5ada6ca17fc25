variable "access_logs" {
  description = "Server access logs of the bucket; null disables them."
  type = object({
    bucket_name = string           # a different bucket in the same region and account
    prefix      = optional(string) # null: name of this bucket and a slash
  })
  default = null

  validation {
    condition = var.access_logs == null ? true : (
      can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.access_logs.bucket_name)) &&
      var.access_logs.bucket_name != var.bucket_name
    )
    error_message = "access_logs.bucket_name must be the name of a bucket other than this one, whose log would log itself."
  }

  validation {
    condition     = try(var.access_logs.prefix, null) == null ? true : can(regex("^[A-Za-z0-9!_.*'()-][A-Za-z0-9!_.*'()/-]{0,254}/$", var.access_logs.prefix))
    error_message = "access_logs.prefix must have up to 256 letters, digits and !_.*'()-/, end with a slash and not start with one."
  }
}

variable "bucket_name" {
  description = "Name of the bucket; globally unique."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.bucket_name))
    error_message = "bucket_name must have 3 to 63 characters of a-z, 0-9 and -, start and end with a letter or digit, and contain no dots, which the TLS certificate of S3 does not cover."
  }

  validation {
    condition     = !anytrue([for start in local.reserved_name_starts : startswith(var.bucket_name, start)])
    error_message = "bucket_name must not start with ${join(", ", local.reserved_name_starts)}, which S3 reserves."
  }

  validation {
    condition     = !anytrue([for end in local.reserved_name_ends : endswith(var.bucket_name, end)])
    error_message = "bucket_name must not end with ${join(", ", local.reserved_name_ends)}, which S3 reserves."
  }
}

variable "cors" {
  description = "Web origins that may upload directly to the bucket with presigned URLs; null allows none."
  type = object({
    origins         = list(string)                                                                        # https://host or https://host:port
    methods         = optional(list(string), ["PUT"])                                                     # GET, HEAD, POST and PUT
    headers         = optional(list(string), ["content-type", "content-md5", "if-none-match", "x-amz-*"]) # allowed request headers
    max_age_seconds = optional(number, 3600)                                                              # for which browsers cache the preflight response
  })
  default = null

  validation {
    condition = var.cors == null ? true : length(var.cors.origins) > 0 && alltrue([
      for origin in var.cors.origins : can(regex("^https://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?$", origin))
    ])
    error_message = "cors.origins must list one or more origins such as https://judge.example.com or https://judge.example.com:8443: https, lower case, without path and *."
  }

  validation {
    condition     = var.cors == null ? true : length(var.cors.methods) > 0 && length(setsubtract(var.cors.methods, ["GET", "HEAD", "POST", "PUT"])) == 0
    error_message = "cors.methods must list one or more of GET, HEAD, POST and PUT."
  }

  validation {
    condition     = var.cors == null ? true : alltrue([for header in var.cors.headers : can(regex("^[A-Za-z0-9-]+\\*?$", header))])
    error_message = "cors.headers must be header names; each may end with one *, but * alone is not allowed."
  }

  validation {
    condition     = var.cors == null ? true : var.cors.max_age_seconds >= 0 && var.cors.max_age_seconds <= 86400 && floor(var.cors.max_age_seconds) == var.cors.max_age_seconds
    error_message = "cors.max_age_seconds must be a whole number from 0 to 86400."
  }
}

variable "enable_functions" {
  description = "Let the workers read functions/, the code of functions."
  type        = bool
  default     = false
}

variable "enable_versioning" {
  description = "Keep old versions of overwritten and deleted objects."
  type        = bool
  default     = true
}

variable "force_destroy" {
  description = "Allow deleting the bucket while it contains objects."
  type        = bool
  default     = false
}

variable "kms_key_arn" {
  description = "ARN of the KMS key for SSE-KMS with a bucket key; null uses AES-256 with S3 keys (SSE-S3)."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null ? true : can(regex("^arn:aws(-us-gov)?:kms:[a-z0-9-]+:[0-9]{12}:key/[a-zA-Z0-9-]+$", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a key, arn:aws:kms:<region>:<account>:key/<id> (not of China, where S3 has another domain), or null; policies cannot reference an alias."
  }
}

variable "lifecycle_days" {
  description = "Ages of submissions and results in days; null keeps them. lifecycle_rules overrides it by prefix."
  type = object({
    archive    = optional(number)     # age at which they move to STANDARD_IA; null: never
    expiration = optional(number, 90) # age at which objects are deleted
    noncurrent = optional(number, 30) # days after which old versions are deleted
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
    error_message = "lifecycle_days.archive must be whole days, at least 30 (minimum of STANDARD_IA) and less than expiration, or null."
  }
}

variable "lifecycle_rules" {
  description = "Lifecycle rules by prefix (such as results/); each replaces lifecycle_days, or the one day of temp/, for its prefix. Omitted actions never happen. A prefix inside another (results/trials/) can only expire earlier than the outer one."
  type = map(object({
    archive_days    = optional(map(number), {}) # storage class to the age in days of the transition
    expiration_days = optional(number)          # age at which objects are deleted
    noncurrent_days = optional(number)          # days after which old versions are deleted
    keep_versions   = optional(number)          # number of newest old versions to keep regardless of age, 1 to 100
  }))
  default  = {}
  nullable = false

  validation {
    condition = alltrue([
      for prefix in keys(var.lifecycle_rules) :
      can(regex("^(functions|problems|results|submissions|temp)/([A-Za-z0-9!_.'()-]+/)*$", prefix)) && length(prefix) <= 255
    ])
    error_message = "lifecycle_rules must be keyed by prefixes that start with functions/, problems/, results/, submissions/ or temp/, end with a slash, and have at most 255 letters, digits and !_.'()-/."
  }

  validation {
    condition     = length(setsubtract(flatten([for rule in values(var.lifecycle_rules) : keys(rule.archive_days)]), keys(local.storage_classes))) == 0
    error_message = "lifecycle_rules[*].archive_days must be keyed by ${join(", ", keys(local.storage_classes))}."
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
    error_message = "lifecycle_rules[*].archive_days may contain GLACIER_IR or ONEZONE_IA, not both: S3 has no transition between them."
  }

  validation {
    condition = alltrue([
      for rule in values(var.lifecycle_rules) : rule.expiration_days == null ? true : (
        rule.expiration_days >= 1 && floor(rule.expiration_days) == rule.expiration_days &&
        alltrue([for days in values(rule.archive_days) : days < rule.expiration_days])
      )
    ])
    error_message = "lifecycle_rules[*].expiration_days must be whole days, at least 1 and more than all archive_days, or null."
  }

  validation {
    condition = alltrue([
      for rule in values(var.lifecycle_rules) : rule.noncurrent_days == null ? rule.keep_versions == null : (
        rule.noncurrent_days >= 1 && floor(rule.noncurrent_days) == rule.noncurrent_days
      )
    ])
    error_message = "lifecycle_rules[*].noncurrent_days must be whole days, at least 1, or null; keep_versions requires it."
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
    error_message = "lifecycle_rules of problems/ must have no expiration_days, GLACIER or DEEP_ARCHIVE: workers need immediate access to problems."
  }

  validation {
    condition = alltrue([
      for rule in values(var.lifecycle_rules) : length(rule.archive_days) > 0 || rule.expiration_days != null || rule.noncurrent_days != null
    ])
    error_message = "lifecycle_rules must set at least one of archive_days, expiration_days and noncurrent_days for each prefix."
  }
}

variable "notifications" {
  description = "Targets of event notifications, each under a name of your choice; null for none."
  type = object({
    eventbridge = optional(bool, false)                       # send all events to EventBridge of this account
    functions = optional(map(object({                         # Lambda functions
      arn    = string                                         # ARN of the function
      events = optional(list(string), ["s3:ObjectCreated:*"]) # event types
      prefix = optional(string, "")                           # only keys that start with it
      suffix = optional(string, "")                           # only keys that end with it
    })), {})
    queues = optional(map(object({                            # SQS queues
      arn    = string                                         # ARN of a standard queue
      events = optional(list(string), ["s3:ObjectCreated:*"]) # event types
      prefix = optional(string, "")                           # only keys that start with it
      suffix = optional(string, "")                           # only keys that end with it
    })), {})
    topics = optional(map(object({                            # SNS topics
      arn    = string                                         # ARN of a standard topic
      events = optional(list(string), ["s3:ObjectCreated:*"]) # event types
      prefix = optional(string, "")                           # only keys that start with it
      suffix = optional(string, "")                           # only keys that end with it
    })), {})
  })
  default = null

  validation {
    condition = var.notifications == null ? true : alltrue(concat(
      [for each in values(var.notifications.functions) : can(regex("^arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]+(:[A-Za-z0-9_-]+)?$", each.arn))],
      [for each in values(var.notifications.queues) : can(regex("^arn:aws[a-z-]*:sqs:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+$", each.arn))],
      [for each in values(var.notifications.topics) : can(regex("^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+$", each.arn))],
    ))
    error_message = "notifications must have ARNs of Lambda functions in functions, of standard SQS queues in queues and of standard SNS topics in topics; S3 does not support FIFO."
  }

  validation {
    condition = var.notifications == null ? true : alltrue([
      for name in concat(keys(var.notifications.functions), keys(var.notifications.queues), keys(var.notifications.topics)) : can(regex("^[A-Za-z0-9_-]{1,64}$", name))
    ])
    error_message = "notifications must be keyed by names of 1 to 64 letters, digits, _ and -."
  }

  validation {
    condition = var.notifications == null ? true : alltrue([
      for target in concat(values(var.notifications.functions), values(var.notifications.queues), values(var.notifications.topics)) : length(target.events) > 0 && length(setsubtract(target.events, local.events)) == 0
    ])
    error_message = "notifications.*[*].events must list one or more of ${join(", ", local.events)}."
  }

  validation {
    condition = var.notifications == null ? true : alltrue([
      for target in concat(values(var.notifications.functions), values(var.notifications.queues), values(var.notifications.topics)) : target.prefix == "" || can(regex("^(functions|problems|results|submissions|temp)/", target.prefix))
    ])
    error_message = "notifications.*[*].prefix must start with functions/, problems/, results/, submissions/ or temp/, or be empty."
  }
}

variable "object_lock" {
  description = "Retention of each version of all objects, which cannot be deleted or overwritten meanwhile; null for none. Once enabled, S3 keeps object lock and versioning of the bucket on."
  type = object({
    days = number                         # from the upload; lifecycle rules delete later
    mode = optional(string, "GOVERNANCE") # GOVERNANCE: identities with s3:BypassGovernanceRetention may delete earlier; COMPLIANCE: no identity may
  })
  default = null

  validation {
    condition     = var.object_lock == null ? true : var.object_lock.days >= 1 && var.object_lock.days <= 36500 && floor(var.object_lock.days) == var.object_lock.days
    error_message = "object_lock.days must be whole days from 1 to 36500."
  }

  validation {
    condition     = var.object_lock == null ? true : contains(["COMPLIANCE", "GOVERNANCE"], var.object_lock.mode)
    error_message = "object_lock.mode must be GOVERNANCE or COMPLIANCE."
  }

  validation {
    condition     = var.object_lock == null || var.enable_versioning
    error_message = "object_lock requires enable_versioning = true: S3 locks versions."
  }

  validation {
    condition     = var.object_lock == null ? true : var.object_lock.mode != "COMPLIANCE" || !var.force_destroy
    error_message = "object_lock.mode may be COMPLIANCE only with force_destroy = false: neither the objects nor the bucket can be deleted before the retention ends."
  }
}

variable "replication" {
  description = "Copies of new objects in a versioned bucket of another region or account; null for none."
  type = object({
    bucket_arn     = string                 # ARN of the other bucket
    account_id     = optional(string)       # its account, which then owns the copies; null: this account
    delete_markers = optional(bool, false)  # deletions hide the copies, too; their versions stay
    kms_key_arn    = optional(string)       # KMS key of the copies in the other region; required with, and only with, kms_key_arn of this bucket
    prefixes       = optional(list(string)) # what is copied; null: problems/, results/ and submissions/, and functions/ with enable_functions
    role_name      = optional(string)       # name of the role of S3; null: <bucket_name>-replication
    storage_class  = optional(string)       # storage class of the copies; null: that of the object
  })
  default = null

  validation {
    condition = var.replication == null ? true : (
      can(regex("^arn:aws(-us-gov)?:s3:::[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.replication.bucket_arn)) &&
      !endswith(var.replication.bucket_arn, ":::${var.bucket_name}")
    )
    error_message = "replication.bucket_arn must be the ARN of another bucket, arn:aws:s3:::<name>."
  }

  validation {
    condition     = try(var.replication.account_id, null) == null ? true : can(regex("^[0-9]{12}$", var.replication.account_id))
    error_message = "replication.account_id must be 12 digits, or null if the bucket is in this account."
  }

  validation {
    condition     = var.replication == null || var.enable_versioning
    error_message = "replication requires enable_versioning = true: S3 copies versions."
  }

  validation {
    condition = var.replication == null ? true : (
      (var.replication.kms_key_arn == null) == (var.kms_key_arn == null) &&
      (var.replication.kms_key_arn == null ? true : can(regex("^arn:aws(-us-gov)?:kms:[a-z0-9-]+:[0-9]{12}:key/[a-zA-Z0-9-]+$", var.replication.kms_key_arn)))
    )
    error_message = "replication.kms_key_arn is required with kms_key_arn, and must be the ARN of a key in the region of the other bucket, arn:aws:kms:<region>:<account>:key/<id>; without kms_key_arn it must be null."
  }

  validation {
    condition = try(var.replication.prefixes, null) == null ? true : length(var.replication.prefixes) > 0 && length(distinct(var.replication.prefixes)) == length(var.replication.prefixes) && alltrue([
      for prefix in var.replication.prefixes : can(regex("^(functions|problems|results|submissions|temp)/([A-Za-z0-9!_.'()-]+/)*$", prefix)) && length(prefix) <= 255
    ])
    error_message = "replication.prefixes must list one or more distinct prefixes that start with functions/, problems/, results/, submissions/ or temp/, end with a slash, and have at most 255 letters, digits and !_.'()-/."
  }

  validation {
    condition     = var.replication == null ? true : can(regex("^[A-Za-z0-9+=,.@_-]{1,64}$", coalesce(var.replication.role_name, "${var.bucket_name}-replication")))
    error_message = "replication.role_name must have 1 to 64 letters, digits and +=,.@_-; null requires a bucket_name of at most 52 characters."
  }

  validation {
    condition     = try(var.replication.storage_class, null) == null ? true : contains(concat(["STANDARD"], local.storage_class_order), var.replication.storage_class)
    error_message = "replication.storage_class must be STANDARD, ${join(", ", local.storage_class_order)}, or null."
  }
}
