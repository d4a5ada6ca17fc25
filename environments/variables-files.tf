# The bucket of submissions, problems and results.

variable "enable_s3_lifecycle" {
  description = "Archive and delete old submissions and results; objects in temp/ always expire."
  type        = bool
  default     = true
}

variable "enable_s3_versioning" {
  description = "Keep old versions of overwritten and deleted objects."
  type        = bool
  default     = true
}

variable "s3_access_logs" {
  description = "Server access logs of the bucket; null disables them."
  type = object({
    bucket_name = string           # another bucket, whose policy allows S3 to write
    prefix      = optional(string) # must end with a slash; null: name of the bucket and a slash
  })
  default = null
}

variable "s3_bucket_name" {
  description = "Name of the bucket; by default <environment_name>-grading-files."
  type        = string
  default     = null
}

variable "s3_cors" {
  description = "Web origins that may upload directly to the bucket with presigned URLs; null allows the page of the API (enable_api) if web_domain_name is set, and none else."
  type = object({
    origins         = list(string)                                                                        # such as https://judge.example.com
    methods         = optional(list(string), ["PUT"])                                                     # GET, HEAD, POST, PUT
    headers         = optional(list(string), ["content-type", "content-md5", "if-none-match", "x-amz-*"]) # allowed request headers
    max_age_seconds = optional(number, 3600)                                                              # for which browsers cache the preflight response
  })
  default = null
}

variable "s3_lifecycle_archive_days" {
  description = "Age in days at which submissions and results are archived, at least 30; null archives at 30 if at least 30 more days remain, which S3 bills as minimum."
  type        = number
  default     = null

  validation {
    condition = var.s3_lifecycle_archive_days == null ? true : (
      30 <= var.s3_lifecycle_archive_days && var.s3_lifecycle_archive_days < var.s3_lifecycle_expiration_days
    )
    error_message = "s3_lifecycle_archive_days must be at least 30 and less than s3_lifecycle_expiration_days, or null."
  }
}

variable "s3_lifecycle_expiration_days" {
  description = "Age in days at which submissions and results are deleted."
  type        = number
  default     = 90
}

variable "s3_lifecycle_noncurrent_days" {
  description = "Age in days at which old versions of submissions and results are deleted."
  type        = number
  default     = 30
}

variable "s3_lifecycle_rules" {
  description = "Lifecycle rules by prefix such as results/; each replaces the ages above, or the one day of temp/, for its prefix. Null and {} mean never. A prefix inside another can only expire earlier than the outer one."
  type = map(object({
    archive_days    = optional(map(number), {}) # storage class to the age in days of the transition
    expiration_days = optional(number)          # age at which objects are deleted
    noncurrent_days = optional(number)          # age at which old versions are deleted
    keep_versions   = optional(number)          # number of newest old versions to keep regardless of age, 1 to 100
  }))
  default  = {}
  nullable = false

  validation {
    condition     = var.enable_s3_lifecycle || length(var.s3_lifecycle_rules) == 0
    error_message = "s3_lifecycle_rules must be {} when enable_s3_lifecycle is false."
  }
}

variable "s3_notifications" {
  description = "Targets of event notifications: EventBridge, and functions, queues and topics, each under a name of your choice; null for none."
  type = object({
    eventbridge = optional(bool, false) # send all events to EventBridge of this account
    functions = optional(map(object({
      arn    = string                                         # ARN of the function
      events = optional(list(string), ["s3:ObjectCreated:*"]) # event types
      prefix = optional(string, "")                           # only keys that start with it
      suffix = optional(string, "")                           # only keys that end with it
    })), {})
    queues = optional(map(object({
      arn    = string                                         # ARN of a standard queue
      events = optional(list(string), ["s3:ObjectCreated:*"]) # event types
      prefix = optional(string, "")                           # only keys that start with it
      suffix = optional(string, "")                           # only keys that end with it
    })), {})
    topics = optional(map(object({
      arn    = string                                         # ARN of a standard topic
      events = optional(list(string), ["s3:ObjectCreated:*"]) # event types
      prefix = optional(string, "")                           # only keys that start with it
      suffix = optional(string, "")                           # only keys that end with it
    })), {})
  })
  default = null
}

variable "s3_object_lock" {
  description = "Retention of each version of all objects of the bucket, which cannot be deleted or overwritten meanwhile; null for none. Cannot be undone: S3 keeps object lock and versioning on."
  type = object({
    days = number                         # from the upload; lifecycle rules delete later
    mode = optional(string, "GOVERNANCE") # GOVERNANCE: identities with s3:BypassGovernanceRetention may delete earlier; COMPLIANCE: no identity may
  })
  default = null
}

variable "s3_replication" {
  description = "Copies of new objects in a versioned bucket of another region or account; null for none."
  type = object({
    bucket_arn     = string                 # ARN of the other bucket
    account_id     = optional(string)       # its account, which then owns the copies; null: this account
    delete_markers = optional(bool, false)  # deletions hide the copies, too; their versions stay
    kms_key_arn    = optional(string)       # KMS key of the copies in the other region; required with, and only with, kms_key_arn
    prefixes       = optional(list(string)) # what is copied; null: problems/, results/ and submissions/, and functions/ with enable_functions
    storage_class  = optional(string)       # storage class of the copies; null: that of the object
  })
  default = null
}
