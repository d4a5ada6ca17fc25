# The transport, and the queues of SQS.

variable "drain_other_transport" {
  description = "While the transport changes: keep the one that use_sqs_queue turns off, and let the workers consume what is left in it."
  type        = bool
  default     = false
}

variable "sqs_existing" {
  description = "Existing standard queues of SQS by ARN; no queue is created. Null creates queues."
  type = object({
    requests_arn    = string           # requests
    priority_arn    = optional(string) # urgent requests; null for none
    results_arn     = string           # results
    dead_letter_arn = string           # receives what could not be graded
    kms_key_arn     = optional(string) # KMS key of the queues, if they have one
  })
  default = null

  validation {
    condition = var.sqs_existing == null ? true : alltrue([
      for arn in compact([var.sqs_existing.requests_arn, var.sqs_existing.priority_arn, var.sqs_existing.results_arn, var.sqs_existing.dead_letter_arn]) :
      can(regex("^arn:aws:sqs:${var.aws_region}:[0-9]{12}:", arn))
    ])
    error_message = "sqs_existing must have ARNs of queues in aws_region, arn:aws:sqs:${var.aws_region}:<account>:<name>."
  }
}

variable "sqs_settings" {
  description = "Settings of the queues that are created, and of the workers that receive from them."
  type = object({
    enable_priority_queue = optional(bool, true)  # create a queue for urgent requests
    max_receive_count     = optional(number, 50)  # receives after which SQS itself moves a request to the dead-letter queue
    retention_days        = optional(number, 14)  # days after which SQS deletes requests and dead letters
    result_retention_days = optional(number, 4)   # days after which SQS deletes results
    visibility_seconds    = optional(number, 120) # seconds after which another worker gets the job of a crashed one
    wait_seconds          = optional(number, 20)  # longest time for which a receive waits
  })
  default  = {}
  nullable = false
}

variable "use_sqs_queue" {
  description = "Use SQS instead of Amazon MQ: no broker is created, and the mq_ variables have no effect."
  type        = bool
  default     = false
  nullable    = false
}
