# The bucket of submissions, problems and results.

variable "enable_s3_lifecycle" {
  description = "Archive and delete old submissions and results; temp/ is always emptied."
  type        = bool
  default     = true
}

variable "enable_s3_versioning" {
  description = "Keep old versions of overwritten and deleted objects."
  type        = bool
  default     = true
}

variable "s3_access_logs" {
  description = "Bucket that S3 writes a log of every request to; null writes none."
  type = object({
    bucket_name = string           # another one, whose policy lets S3 write
    prefix      = optional(string) # ends with a slash; null is the name of the bucket and a slash
  })
  default = null
}

variable "s3_bucket_name" {
  description = "Name of the bucket; by default <environment_name>-grading-files."
  type        = string
  default     = null
}

variable "s3_cors" {
  description = "Web pages that may upload straight to the bucket with a presigned URL; null lets none."
  type = object({
    origins         = list(string)                                                       # such as https://judge.example.com
    methods         = optional(list(string), ["PUT"])                                    # GET, HEAD, POST, PUT
    headers         = optional(list(string), ["content-type", "content-md5", "x-amz-*"]) # that they may send
    max_age_seconds = optional(number, 3600)                                             # how long a browser keeps the answer
  })
  default = null
}

variable "s3_lifecycle_archive_days" {
  description = "Age in days at which submissions and results are archived, at least 30; null archives at 30 where at least another 30 days are left, because S3 bills them."
  type        = number
  default     = null

  validation {
    condition = var.s3_lifecycle_archive_days == null ? true : (
      30 <= var.s3_lifecycle_archive_days && var.s3_lifecycle_archive_days < var.s3_lifecycle_expiration_days
    )
    error_message = "s3_lifecycle_archive_days must be at least 30 and less than s3_lifecycle_expiration_days, or null: what is deleted first cannot be archived."
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
  description = "Prefix, such as results/, to its own rule, instead of the days above or the one day of temp/. Null and {} mean never. A prefix inside another can only go earlier than that one."
  type = map(object({
    archive_days    = optional(map(number), {}) # storage class to the age at which objects move there
    expiration_days = optional(number)          # age at which they are deleted
    noncurrent_days = optional(number)          # age at which old versions are deleted
    keep_versions   = optional(number)          # so many old versions are kept all the same, 1 to 100
  }))
  default  = {}
  nullable = false

  validation {
    condition     = var.enable_s3_lifecycle || length(var.s3_lifecycle_rules) == 0
    error_message = "s3_lifecycle_rules must be {} when enable_s3_lifecycle is false."
  }
}

variable "s3_notifications" {
  description = "Who is told of changes in the bucket: EventBridge of this account, and queues, topics and functions by a name of your choice; null tells nobody."
  type = object({
    eventbridge = optional(bool, false) # all events
    functions = optional(map(object({
      arn    = string                                         # Lambda function
      events = optional(list(string), ["s3:ObjectCreated:*"]) # that it is told of
      prefix = optional(string, "")                           # of the objects
      suffix = optional(string, "")                           # of the objects
    })), {})
    queues = optional(map(object({
      arn    = string                                         # SQS queue, not FIFO
      events = optional(list(string), ["s3:ObjectCreated:*"]) # that it is told of
      prefix = optional(string, "")                           # of the objects
      suffix = optional(string, "")                           # of the objects
    })), {})
    topics = optional(map(object({
      arn    = string                                         # SNS topic, not FIFO
      events = optional(list(string), ["s3:ObjectCreated:*"]) # that it is told of
      prefix = optional(string, "")                           # of the objects
      suffix = optional(string, "")                           # of the objects
    })), {})
  })
  default = null
}
