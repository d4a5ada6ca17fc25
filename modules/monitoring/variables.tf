variable "alarm_action_arns" {
  description = "ARNs that are told when an alarm fires and when it ends, beside the topic of this module."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.alarm_action_arns : can(regex("^arn:aws[a-z-]*:[a-z0-9-]+:", arn))])
    error_message = "alarm_action_arns must be ARNs, such as that of an SNS topic of your own."
  }
}

variable "broker" {
  description = "The broker: its names in CloudWatch and its engine."
  type = object({
    engine_type   = optional(string, "ActiveMQ") # ActiveMQ or RabbitMQ, which has other metrics
    instance_type = optional(string)             # a burstable one (mq.t...) gets an alarm for its CPU credits
    node_names    = list(string)                 # ActiveMQ: <name>-1 and, for a pair, <name>-2; RabbitMQ: the name itself
  })
  nullable = false

  validation {
    condition     = contains(["ActiveMQ", "RabbitMQ"], var.broker.engine_type)
    error_message = "broker.engine_type must be ActiveMQ or RabbitMQ."
  }

  validation {
    condition = var.broker.engine_type == "RabbitMQ" ? (
      length(var.broker.node_names) == 1 && can(regex("^[A-Za-z0-9._~-]{1,50}$", var.broker.node_names[0]))
      ) : (
      contains([1, 2], length(var.broker.node_names)) &&
      alltrue([for name in var.broker.node_names : can(regex("^[A-Za-z0-9._~-]{1,50}-[12]$", name))])
    )
    error_message = "broker.node_names must be the broker's name followed by -1 and, for an active/standby pair, also by -2; for RabbitMQ the one name without a number."
  }

  validation {
    condition     = var.broker.instance_type == null ? true : startswith(var.broker.instance_type, "mq.")
    error_message = "broker.instance_type must be a type of Amazon MQ such as mq.t3.micro, or null."
  }
}

variable "database_identifier" {
  description = "Identifier of the RDS instance; null for no alarms of a database."
  type        = string
  default     = null

  validation {
    condition     = var.database_identifier == null ? true : can(regex("^[a-z][a-z0-9-]{0,62}$", var.database_identifier))
    error_message = "database_identifier must be the identifier of an RDS instance: 1 to 63 characters of a-z, 0-9 and -, the first a letter; or null."
  }
}

variable "disabled_alarms" {
  description = "Kinds of alarms that are left out."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = length(setsubtract(var.disabled_alarms, local.kinds)) == 0
    error_message = "disabled_alarms must be of ${join(", ", local.kinds)}."
  }
}

variable "environment_name" {
  description = "Environment: the first word of the alarms' names, and part of the commands that they tell; null names no environment."
  type        = string
  default     = null

  validation {
    condition     = var.environment_name == null ? true : can(regex("^[a-z][a-z0-9-]{0,31}$", var.environment_name))
    error_message = "environment_name must have 1 to 32 characters of a-z, 0-9 and -, the first a letter."
  }
}

variable "queue_size_alarm_name" {
  description = "Name of the alarm of waiting requests; a second environment in the same account and region needs another."
  type        = string
  default     = "grading-queue-size-high"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9._-]{0,254}$", var.queue_size_alarm_name))
    error_message = "queue_size_alarm_name must have 1 to 255 characters of A-Z, a-z, 0-9 and . _ -, the first a letter or digit."
  }
}

variable "queues" {
  description = "Names of the queues that are watched."
  type = object({
    dead_letter = optional(string, "grading-dlq")
    priority    = optional(string, "grading-priority")
    requests    = optional(string, "grading-requests")
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for name in values(var.queues) : can(regex("^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$", name))])
    error_message = "queues needs names of 1 to 80 characters of A-Z, a-z, 0-9 and . _ -, the first a letter or digit."
  }
}

variable "service" {
  description = "ECS service of the workers; null for no alarms of tasks."
  type = object({
    cluster_name       = string
    container_insights = optional(bool, true) # false where the cluster does not count its tasks: then nothing can say that none runs
    service_name       = string
  })
  default = null

  validation {
    condition = var.service == null ? true : alltrue([
      for name in [var.service.cluster_name, var.service.service_name] : can(regex("^[A-Za-z0-9_-]{1,255}$", name))
    ])
    error_message = "service.cluster_name and service_name must be names, not ARNs: 1 to 255 characters of A-Z, a-z, 0-9, _ and -."
  }
}

variable "thresholds" {
  description = "From which values on the alarms fire; disabled_alarms leaves one out."
  type = object({
    broker_cpu_credits      = optional(number, 20)  # fewer CPU credits of a burstable broker
    broker_cpu_percent      = optional(number, 80)  # more CPU, for 15 minutes
    broker_memory_percent   = optional(number, 85)  # more of the JVM's heap (RabbitMQ: of its memory limit), for 15 minutes
    broker_storage_percent  = optional(number, 70)  # more of the message store (RabbitMQ: of the way to its disk limit)
    database_connections    = optional(number, 50)  # more connections, for 15 minutes
    database_cpu_percent    = optional(number, 80)  # more CPU, for 15 minutes
    database_free_gb        = optional(number, 2)   # less free storage, in GiB
    dead_letters            = optional(number, 0)   # more messages in the dead-letter queue
    no_consumer_minutes     = optional(number, 10)  # so long, requests wait and nobody is connected to take them
    no_running_task_minutes = optional(number, 10)  # so long, no task runs although one should or requests wait
    oldest_message_minutes  = optional(number, 15)  # so long, a message waits and none is finished
    queue_size              = optional(number, 100) # more messages in the queue of requests, on average over 10 minutes
    task_restarts           = optional(number, 3)   # as many tasks that ended by themselves, within 15 minutes
  })
  default  = {}
  nullable = false

  validation {
    condition = alltrue([for percent in [
      var.thresholds.broker_cpu_percent, var.thresholds.broker_memory_percent,
      var.thresholds.broker_storage_percent, var.thresholds.database_cpu_percent,
    ] : 1 <= percent && percent < 100])
    error_message = "thresholds in percent must be at least 1 and below 100: above 100 nothing ever is."
  }

  validation {
    condition = alltrue([for minutes in [
      var.thresholds.no_consumer_minutes, var.thresholds.no_running_task_minutes, var.thresholds.oldest_message_minutes,
    ] : 1 <= minutes && minutes <= 1440 && floor(minutes) == minutes])
    error_message = "thresholds in minutes must be whole numbers from 1 to 1440: an alarm of CloudWatch looks back one day at most."
  }

  validation {
    condition     = var.thresholds.queue_size >= 1 && var.thresholds.dead_letters >= 0
    error_message = "thresholds.queue_size must be at least 1 message and dead_letters at least 0."
  }

  validation {
    condition     = var.thresholds.task_restarts >= 1 && floor(var.thresholds.task_restarts) == var.thresholds.task_restarts
    error_message = "thresholds.task_restarts must be a whole number, at least 1."
  }

  validation {
    condition = alltrue([for number in [
      var.thresholds.broker_cpu_credits, var.thresholds.database_connections, var.thresholds.database_free_gb,
    ] : number > 0])
    error_message = "thresholds.broker_cpu_credits, database_connections and database_free_gb must be greater than 0."
  }
}

variable "topic" {
  description = "The module's own encrypted SNS topic and who is told by it; null for none."
  type = object({
    email_addresses = optional(set(string), []) # each gets a message with a link that confirms it
    https_endpoints = optional(set(string), []) # URLs of a pager or chat; they must confirm by themselves
    kms_key_arn     = optional(string)          # a key that lets cloudwatch.amazonaws.com use it; null makes one
  })
  default = {}

  validation {
    condition     = var.topic == null ? true : alltrue([for address in var.topic.email_addresses : can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", address))])
    error_message = "topic.email_addresses must be addresses such as on-call@example.com."
  }

  validation {
    condition     = var.topic == null ? true : alltrue([for url in var.topic.https_endpoints : can(regex("^https://[^\\s/@]+(/\\S*)?$", url))])
    error_message = "topic.https_endpoints must be URLs that begin with https:// and hold no user and password: they stand in the state."
  }

  validation {
    condition     = var.topic == null ? true : var.topic.kms_key_arn == null ? true : can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.topic.kms_key_arn))
    error_message = "topic.kms_key_arn must be the ARN of a KMS key of your own, or null: CloudWatch may not use the key alias/aws/sns."
  }
}
