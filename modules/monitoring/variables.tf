variable "alarm_action_arns" {
  description = "ARNs to notify when an alarm fires or ends, in addition to the module's topic."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.alarm_action_arns : can(regex("^arn:aws[a-z-]*:[a-z0-9-]+:", arn))])
    error_message = "alarm_action_arns must be ARNs, such as that of an SNS topic."
  }
}

variable "api" {
  description = "Load balancer and target group of the HTTP API, as CloudWatch names them; null for no alarms of the API."
  type = object({
    load_balancer = string # app/<name>/<id>
    target_group  = string # targetgroup/<name>/<id>
  })
  default = null

  validation {
    condition     = var.api == null ? true : startswith(var.api.load_balancer, "app/") && startswith(var.api.target_group, "targetgroup/")
    error_message = "api.load_balancer and target_group must be the ends of their ARNs, app/<name>/<id> and targetgroup/<name>/<id>."
  }
}

variable "broker" {
  description = "Node names, engine and instance type of the broker; null without one."
  type = object({
    engine_type   = optional(string, "ActiveMQ") # ActiveMQ or RabbitMQ, which have different metrics
    instance_type = optional(string)             # burstable types (mq.t...) get an alarm for CPU credits
    node_names    = list(string)                 # ActiveMQ: <name>-1 and, for a pair, <name>-2; RabbitMQ: <name>
  })
  default = null

  validation {
    condition     = var.broker != null || var.sqs_queue_names != null
    error_message = "broker is required without sqs_queue_names: the alarms need the queues of one of them."
  }

  validation {
    condition     = var.broker == null ? true : contains(["ActiveMQ", "RabbitMQ"], var.broker.engine_type)
    error_message = "broker.engine_type must be ActiveMQ or RabbitMQ."
  }

  validation {
    condition = var.broker == null ? true : var.broker.engine_type == "RabbitMQ" ? (
      length(var.broker.node_names) == 1 && can(regex("^[A-Za-z0-9._~-]{1,50}$", var.broker.node_names[0]))
      ) : (
      contains([1, 2], length(var.broker.node_names)) &&
      alltrue([for name in var.broker.node_names : can(regex("^[A-Za-z0-9._~-]{1,50}-[12]$", name))])
    )
    error_message = "broker.node_names must be the broker's name followed by -1 and, for an active/standby pair, also by -2; for RabbitMQ the name without a number."
  }

  validation {
    condition     = try(var.broker.instance_type, null) == null ? true : startswith(var.broker.instance_type, "mq.")
    error_message = "broker.instance_type must be an instance type of Amazon MQ such as mq.t3.micro, or null."
  }
}

variable "database_identifier" {
  description = "Identifier of the RDS instance; null for no database alarms."
  type        = string
  default     = null

  validation {
    condition     = var.database_identifier == null ? true : can(regex("^[a-z][a-z0-9-]{0,62}$", var.database_identifier))
    error_message = "database_identifier must be the identifier of an RDS instance (1 to 63 characters of a-z, 0-9 and -, starting with a letter), or null."
  }
}

variable "disabled_alarms" {
  description = "Kinds of alarms to omit."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = length(setsubtract(var.disabled_alarms, local.kinds)) == 0
    error_message = "disabled_alarms must contain only ${join(", ", local.kinds)}."
  }
}

variable "environment_name" {
  description = "Environment, used in the names of the alarms and in the commands of their descriptions; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.environment_name == null ? true : can(regex("^[a-z][a-z0-9-]{0,31}$", var.environment_name))
    error_message = "environment_name must have 1 to 32 characters of a-z, 0-9 and -, and start with a letter."
  }
}

variable "queue_size_alarm_name" {
  description = "Name of the alarm for waiting requests; must be unique in the account and region."
  type        = string
  default     = "grading-queue-size-high"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9._-]{0,254}$", var.queue_size_alarm_name))
    error_message = "queue_size_alarm_name must have 1 to 255 characters of A-Z, a-z, 0-9 and . _ -, and start with a letter or digit."
  }
}

variable "queues" {
  description = "Names of the monitored queues, as gradectl and the broker call them."
  type = object({
    dead_letter = optional(string, "grading-dlq")
    priority    = optional(string, "grading-priority")
    requests    = optional(string, "grading-requests")
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for name in values(var.queues) : can(regex("^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$", name))])
    error_message = "queues must have names of 1 to 80 characters of A-Z, a-z, 0-9 and . _ - that start with a letter or digit."
  }
}

variable "service" {
  description = "ECS service of the workers; null for no task alarms."
  type = object({
    cluster_name       = string
    container_insights = optional(bool, true) # false disables the alarms that need the cluster's task counts
    log_kms_key_arn    = optional(string)     # KMS key of the log of stopped tasks, which CloudWatch Logs may use; null uses its own key
    service_name       = string
    min_tasks          = optional(number, 1) # tasks that always run; 0 if the service scales to zero
  })
  default = null

  validation {
    condition = var.service == null ? true : alltrue([
      for name in [var.service.cluster_name, var.service.service_name] : can(regex("^[A-Za-z0-9_-]{1,255}$", name))
    ])
    error_message = "service.cluster_name and service_name must be names, not ARNs: 1 to 255 characters of A-Z, a-z, 0-9, _ and -."
  }

  validation {
    condition     = var.service == null ? true : var.service.min_tasks >= 0 && floor(var.service.min_tasks) == var.service.min_tasks
    error_message = "service.min_tasks must be a whole number, 0 or more."
  }

  validation {
    condition     = try(var.service.log_kms_key_arn, null) == null ? true : can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.service.log_kms_key_arn))
    error_message = "service.log_kms_key_arn must be the ARN of a key, arn:aws:kms:<region>:<account>:key/<id>, or null."
  }
}

variable "sqs_queue_names" {
  description = "Names of the SQS queues, instead of or in addition to those of the broker; null without them."
  type = object({
    dead_letter = string
    priority    = optional(string) # null for none
    requests    = string
  })
  default = null

  validation {
    condition = var.sqs_queue_names == null ? true : alltrue([
      for name in values(var.sqs_queue_names) : name == null ? true : can(regex("^[A-Za-z0-9_-]{1,80}$", name))
    ])
    error_message = "sqs_queue_names must be names of standard queues, not ARNs or URLs: 1 to 80 characters of A-Z, a-z, 0-9 and _ -."
  }
}

variable "thresholds" {
  description = "Thresholds of the alarms; disabled_alarms omits alarms."
  type = object({
    api_errors              = optional(number, 10)   # answers 5xx of the API and its load balancer within 5 minutes above this
    api_latency_ms          = optional(number, 5000) # 95th percentile of the time to an answer of the API above this for 15 minutes; with POST /run, the wait counts
    broker_cpu_credits      = optional(number, 20)   # CPU credits of a burstable broker below this
    broker_cpu_percent      = optional(number, 80)   # CPU above this for 15 minutes
    broker_memory_percent   = optional(number, 85)   # JVM heap (RabbitMQ: share of the memory limit) above this for 15 minutes
    broker_storage_percent  = optional(number, 70)   # message store (RabbitMQ: share of the disk limit) above this
    database_connections    = optional(number, 50)   # connections above this for 15 minutes
    database_cpu_percent    = optional(number, 80)   # CPU above this for 15 minutes
    database_free_gb        = optional(number, 2)    # free storage in GiB below this
    dead_letters            = optional(number, 0)    # messages in the dead-letter queue above this
    no_consumer_minutes     = optional(number, 10)   # minutes in which requests wait without a consumer
    no_running_task_minutes = optional(number, 10)   # minutes in which no task runs although one should, or requests wait
    oldest_message_minutes  = optional(number, 15)   # minutes in which messages wait and none is dequeued; with SQS, age of the oldest one
    queue_size              = optional(number, 100)  # average number of waiting requests over 10 minutes above this
    task_restarts           = optional(number, 3)    # number of tasks that stopped by themselves within 15 minutes
  })
  default  = {}
  nullable = false

  validation {
    condition = alltrue([for percent in [
      var.thresholds.broker_cpu_percent, var.thresholds.broker_memory_percent,
      var.thresholds.broker_storage_percent, var.thresholds.database_cpu_percent,
    ] : 1 <= percent && percent < 100])
    error_message = "thresholds in percent must be at least 1 and below 100."
  }

  validation {
    condition = alltrue([for minutes in [
      var.thresholds.no_consumer_minutes, var.thresholds.no_running_task_minutes, var.thresholds.oldest_message_minutes,
    ] : 1 <= minutes && minutes <= 1440 && floor(minutes) == minutes])
    error_message = "thresholds in minutes must be whole numbers from 1 to 1440; CloudWatch evaluates at most one day."
  }

  validation {
    condition     = var.thresholds.queue_size >= 1 && var.thresholds.dead_letters >= 0 && var.thresholds.api_errors >= 0
    error_message = "thresholds.queue_size must be at least 1, dead_letters and api_errors at least 0."
  }

  validation {
    condition     = var.thresholds.task_restarts >= 1 && floor(var.thresholds.task_restarts) == var.thresholds.task_restarts
    error_message = "thresholds.task_restarts must be a whole number, at least 1."
  }

  validation {
    condition = alltrue([for number in [
      var.thresholds.api_latency_ms, var.thresholds.broker_cpu_credits, var.thresholds.database_connections, var.thresholds.database_free_gb,
    ] : number > 0])
    error_message = "thresholds.api_latency_ms, broker_cpu_credits, database_connections and database_free_gb must be greater than 0."
  }
}

variable "topic" {
  description = "Encrypted SNS topic for the alarms and its subscribers; null for none."
  type = object({
    email_addresses = optional(set(string), []) # each receives a confirmation link
    https_endpoints = optional(set(string), []) # URLs of a pager or chat, which must confirm the subscription themselves
    kms_key_arn     = optional(string)          # KMS key that cloudwatch.amazonaws.com may use; null creates one
  })
  default = {}

  validation {
    condition     = var.topic == null ? true : alltrue([for address in var.topic.email_addresses : can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", address))])
    error_message = "topic.email_addresses must be e-mail addresses such as on-call@example.com."
  }

  validation {
    condition     = var.topic == null ? true : alltrue([for url in var.topic.https_endpoints : can(regex("^https://[^\\s/@]+(/\\S*)?$", url))])
    error_message = "topic.https_endpoints must be https:// URLs without user and password, which would be stored in the state."
  }

  validation {
    condition     = var.topic == null ? true : var.topic.kms_key_arn == null ? true : can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.topic.kms_key_arn))
    error_message = "topic.kms_key_arn must be the ARN of a customer managed KMS key, or null; CloudWatch cannot use the key alias/aws/sns."
  }
}
