variable "alarm_action_arns" {
  description = "SNS topics that are told when an alarm fires and when it ends."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.alarm_action_arns : startswith(arn, "arn:")])
    error_message = "alarm_action_arns must be ARNs."
  }
}

variable "broker_node_name" {
  description = "Broker node as CloudWatch names it: <broker name>-1."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9._~-]{1,50}-[12]$", var.broker_node_name))
    error_message = "broker_node_name must be the broker's name followed by -1 or -2."
  }
}

variable "queue_name" {
  description = "Queue that is watched."
  type        = string
  default     = "grading-requests"
}

variable "queue_size_threshold" {
  description = "Messages that may wait on average before the alarm fires."
  type        = number
  default     = 100

  validation {
    condition     = var.queue_size_threshold > 0
    error_message = "queue_size_threshold must be greater than 0."
  }
}
