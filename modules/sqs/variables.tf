variable "bucket_arn" {
  description = "ARN of the bucket in which bodies that are too large for SQS are stored, in submissions/messages/ and results/messages/; null gives no right to one."
  type        = string
  default     = null

  validation {
    condition     = var.bucket_arn == null ? true : can(regex("^arn:aws[a-z-]*:s3:::[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.bucket_arn))
    error_message = "bucket_arn must be the ARN of a bucket, arn:aws:s3:::<name>, or null."
  }
}

variable "enable_priority_queue" {
  description = "Create a queue for urgent requests, from which workers take first."
  type        = bool
  default     = true
}

variable "existing" {
  description = "Existing queues: the module creates nothing and returns their names, URLs and policies. Null creates queues."
  type = object({
    dead_letter_arn = string           # receives what could not be graded
    kms_key_arn     = optional(string) # KMS key of the queues, if they have one
    priority_arn    = optional(string) # urgent requests; null for none
    requests_arn    = string           # requests
    results_arn     = string           # results
  })
  default = null

  validation {
    condition = var.existing == null ? true : alltrue([
      for arn in compact([var.existing.dead_letter_arn, var.existing.priority_arn, var.existing.requests_arn, var.existing.results_arn]) :
      can(regex("^arn:(aws|aws-cn|aws-us-gov):sqs:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,80}(\\.fifo)?$", arn))
    ])
    error_message = "existing must have ARNs of queues, arn:aws:sqs:<region>:<account>:<name>; the partition may also be aws-cn or aws-us-gov."
  }

  validation {
    condition = var.existing == null ? true : !anytrue([
      for arn in compact([var.existing.dead_letter_arn, var.existing.priority_arn, var.existing.requests_arn, var.existing.results_arn]) :
      endswith(arn, ".fifo")
    ])
    error_message = "existing must have standard queues, not FIFO queues (.fifo): ${local.fifo_reason}."
  }

  validation {
    condition = var.existing == null ? true : 1 == length(distinct([
      for arn in compact([var.existing.dead_letter_arn, var.existing.priority_arn, var.existing.requests_arn, var.existing.results_arn]) :
      try(regex("^arn:[^:]+:sqs:[^:]+", arn), "")
    ]))
    error_message = "existing must have queues of one region: the worker has one client for all."
  }

  validation {
    condition = var.existing == null ? true : (
      length(distinct(compact([var.existing.dead_letter_arn, var.existing.priority_arn, var.existing.requests_arn, var.existing.results_arn]))) ==
      length(compact([var.existing.dead_letter_arn, var.existing.priority_arn, var.existing.requests_arn, var.existing.results_arn]))
    )
    error_message = "existing must have a different queue for each purpose."
  }

  validation {
    condition     = try(var.existing.kms_key_arn, null) == null ? true : can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.existing.kms_key_arn))
    error_message = "existing.kms_key_arn must be the ARN of a key, arn:aws:kms:<region>:<account>:key/<id>, or null for queues with the key of SQS."
  }
}

variable "kms_key_arn" {
  description = "ARN of the KMS key of the messages; null uses the key of SQS, which costs nothing."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null ? true : can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a key, arn:aws:kms:<region>:<account>:key/<id>, or null; policies cannot reference an alias."
  }

  validation {
    condition     = var.existing == null || var.kms_key_arn == null
    error_message = "kms_key_arn must be null with existing, whose queues do not change: set existing.kms_key_arn to the key that they have."
  }
}

variable "max_receive_count" {
  description = "Number of receives after which SQS itself moves a request to the dead-letter queue; above the attempts of the worker, which sends dead letters with the reason."
  type        = number
  default     = 50

  validation {
    condition     = contains(range(10, 1000 + 1), var.max_receive_count)
    error_message = "max_receive_count must be a whole number from 10 to 1000: with fewer, interrupted workers would make a dead letter of a good request."
  }
}

variable "name" {
  description = "Prefix of the names of the queues: <name>-requests, -priority, -results and -dlq."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,71}$", var.name))
    error_message = "name must have 1 to 71 characters of A-Z, a-z, 0-9 and _ -; a queue's name has at most 80."
  }
}

variable "names" {
  description = "Names of queues that do not follow name."
  type = object({
    dead_letter = optional(string) # null for <name>-dlq
    priority    = optional(string) # null for <name>-priority
    requests    = optional(string) # null for <name>-requests
    results     = optional(string) # null for <name>-results
  })
  default  = {}
  nullable = false

  validation {
    condition     = !anytrue([for name in values(var.names) : name == null ? false : endswith(name, ".fifo")])
    error_message = "names must be those of standard queues, not of FIFO queues (.fifo): ${local.fifo_reason}."
  }

  validation {
    condition     = alltrue([for name in values(var.names) : name == null ? true : can(regex("^[A-Za-z0-9_-]{1,80}(\\.fifo)?$", name))])
    error_message = "names must have 1 to 80 characters of A-Z, a-z, 0-9 and _ -."
  }

  validation {
    condition = 4 == length(distinct([
      coalesce(var.names.dead_letter, "${var.name}-dlq"), coalesce(var.names.priority, "${var.name}-priority"),
      coalesce(var.names.requests, "${var.name}-requests"), coalesce(var.names.results, "${var.name}-results"),
    ]))
    error_message = "names must be different for each purpose."
  }
}

variable "retention_days" {
  description = "Days after which SQS deletes messages, at most 14."
  type = object({
    dead_letters = optional(number, 14) # counted from the first sending of a request that SQS moves
    requests     = optional(number, 14) # requests and urgent requests
    results      = optional(number, 4)  # row and result.json of a request remain
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for days in values(var.retention_days) : contains(range(1, 14 + 1), days)])
    error_message = "retention_days must be whole numbers from 1 to 14, the maximum of SQS."
  }

  validation {
    condition     = var.retention_days.dead_letters >= var.retention_days.requests
    error_message = "retention_days.dead_letters must be at least retention_days.requests: a message that SQS moves keeps its age and would be deleted at once."
  }
}

variable "visibility_seconds" {
  description = "Seconds for which a received message is hidden from other workers; a worker extends it while the job runs. After a crash, another worker gets the job that much later."
  type        = number
  default     = 120

  validation {
    condition     = 60 <= var.visibility_seconds && var.visibility_seconds <= 3600 && floor(var.visibility_seconds) == var.visibility_seconds
    error_message = "visibility_seconds must be a whole number from 60 to 3600: with less, a slow call of AWS would give a running job to a second worker."
  }
}

variable "wait_seconds" {
  description = "Longest time for which a receive waits for a message; fewer seconds cost more requests."
  type        = number
  default     = 20

  validation {
    condition     = contains(range(1, 20 + 1), var.wait_seconds)
    error_message = "wait_seconds must be a whole number from 1 to 20, the maximum of SQS; 0 would be billed for each of many empty receives."
  }
}
