# Alarms.

variable "alarm_action_arns" {
  description = "SNS topics of your own that are told when an alarm fires and when it ends."
  type        = list(string)
  default     = []
}

variable "alarm_disabled_kinds" {
  description = "Kinds of alarms that are left out, such as oldest_message."
  type        = set(string)
  default     = []
}

variable "alarm_queue_size_name" {
  description = "Name of the alarm of waiting requests; a second environment in the same account and region needs another."
  type        = string
  default     = "grading-queue-size-high"
}

variable "alarm_thresholds" {
  description = "From which values on the alarms fire."
  type = object({
    broker_cpu_credits      = optional(number, 20)  # fewer CPU credits of a burstable broker
    broker_cpu_percent      = optional(number, 80)  # more CPU, for 15 minutes
    broker_memory_percent   = optional(number, 85)  # more of the broker's heap, for 15 minutes
    broker_storage_percent  = optional(number, 70)  # more of the message store
    database_connections    = optional(number, 50)  # more connections, for 15 minutes
    database_cpu_percent    = optional(number, 80)  # more CPU, for 15 minutes
    database_free_gb        = optional(number, 2)   # less free storage, in GiB
    dead_letters            = optional(number, 0)   # more messages in the dead-letter queue
    no_consumer_minutes     = optional(number, 10)  # so long, requests wait and no worker is connected
    no_running_task_minutes = optional(number, 10)  # so long, no worker runs although one should
    oldest_message_minutes  = optional(number, 15)  # so long, a message waits and none is finished
    queue_size              = optional(number, 100) # more requests wait, on average over 10 minutes
    task_restarts           = optional(number, 3)   # as many workers ended by themselves, within 15 minutes
  })
  default  = {}
  nullable = false
}

variable "alarm_topic" {
  description = "An encrypted SNS topic of the environment's own, and who is told by it; null makes none."
  type = object({
    email_addresses = optional(set(string), []) # each gets a message with a link that confirms it
    https_endpoints = optional(set(string), []) # URLs of a pager or chat; they confirm by themselves
  })
  default = null
}
