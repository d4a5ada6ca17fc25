# Alarms.

variable "alarm_action_arns" {
  description = "SNS topics to notify when an alarm fires or ends."
  type        = list(string)
  default     = []
}

variable "alarm_disabled_kinds" {
  description = "Kinds of alarms to omit, such as oldest_message."
  type        = set(string)
  default     = []
}

variable "alarm_queue_size_name" {
  description = "Name of the alarm for waiting requests; must be unique in the account and region."
  type        = string
  default     = "grading-queue-size-high"
}

variable "alarm_thresholds" {
  description = "Thresholds of the alarms."
  type = object({
    broker_cpu_credits      = optional(number, 20)  # CPU credits of a burstable broker below this
    broker_cpu_percent      = optional(number, 80)  # CPU above this for 15 minutes
    broker_memory_percent   = optional(number, 85)  # heap of the broker above this for 15 minutes
    broker_storage_percent  = optional(number, 70)  # message store above this
    database_connections    = optional(number, 50)  # connections above this for 15 minutes
    database_cpu_percent    = optional(number, 80)  # CPU above this for 15 minutes
    database_free_gb        = optional(number, 2)   # free storage in GiB below this
    dead_letters            = optional(number, 0)   # messages in the dead-letter queue above this
    no_consumer_minutes     = optional(number, 10)  # minutes in which requests wait without a consumer
    no_running_task_minutes = optional(number, 10)  # minutes in which no worker runs although one should
    oldest_message_minutes  = optional(number, 15)  # minutes in which messages wait and none is dequeued
    queue_size              = optional(number, 100) # average number of waiting requests over 10 minutes above this
    task_restarts           = optional(number, 3)   # number of workers that stopped by themselves within 15 minutes
  })
  default  = {}
  nullable = false
}

variable "alarm_topic" {
  description = "Encrypted SNS topic for the alarms and its subscribers; null for none."
  type = object({
    email_addresses = optional(set(string), []) # each receives a confirmation link
    https_endpoints = optional(set(string), []) # URLs of a pager or chat, which must confirm the subscription themselves
  })
  default = null
}
