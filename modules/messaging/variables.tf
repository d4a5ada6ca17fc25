variable "admin_username" {
  description = "Administrator of the broker, in the group grading-admins. Created with the broker; later changes are ignored."
  type        = string
  default     = "admin"

  validation {
    condition     = can(regex("^[A-Za-z0-9._~-]{2,100}$", var.admin_username))
    error_message = "admin_username must have 2 to 100 characters of A-Z, a-z, 0-9 and . _ ~ -."
  }

  validation {
    condition = (
      var.engine_type != "RabbitMQ" || !strcontains(var.admin_username, "~") && lower(var.admin_username) != "guest"
    )
    error_message = "admin_username must not contain ~ or be guest when engine_type is RabbitMQ, which deletes the user guest."
  }
}

variable "deployment_mode" {
  description = "SINGLE_INSTANCE; ACTIVE_STANDBY_MULTI_AZ (ActiveMQ, a pair in two zones); or CLUSTER_MULTI_AZ (RabbitMQ, three nodes)."
  type        = string
  default     = "SINGLE_INSTANCE"

  validation {
    condition = contains(
      ["SINGLE_INSTANCE", var.engine_type == "RabbitMQ" ? "CLUSTER_MULTI_AZ" : "ACTIVE_STANDBY_MULTI_AZ"],
      var.deployment_mode,
    )
    error_message = "deployment_mode must be SINGLE_INSTANCE or ACTIVE_STANDBY_MULTI_AZ for ActiveMQ, SINGLE_INSTANCE or CLUSTER_MULTI_AZ for RabbitMQ."
  }
}

variable "engine_type" {
  description = "ActiveMQ, which the grading workers require (STOMP), or RabbitMQ for other programs."
  type        = string
  default     = "ActiveMQ"

  validation {
    condition     = contains(["ActiveMQ", "RabbitMQ"], var.engine_type)
    error_message = "engine_type must be ActiveMQ or RabbitMQ."
  }
}

variable "engine_version" {
  description = "Engine version as major.minor; Amazon MQ chooses the patch. Null means 5.18 for ActiveMQ and 4.2 for RabbitMQ."
  type        = string
  default     = null

  validation {
    condition = var.engine_version == null ? true : contains(
      var.engine_type == "RabbitMQ" ? ["3.13", "4.2"] : ["5.18", "5.19"],
      var.engine_version,
    )
    error_message = "engine_version must be 5.18 or 5.19 for ActiveMQ, 3.13 or 4.2 for RabbitMQ, without a patch number."
  }
}

variable "existing" {
  description = "Existing broker: the module creates nothing and returns these values as outputs. Null creates a broker."
  type = object({
    endpoints       = optional(list(string), []) # endpoints of protocols other than STOMP
    log_group_names = optional(list(string), []) # log groups of the broker
    name            = optional(string)           # name of the broker
    node_names      = list(string)               # values of the CloudWatch dimension Broker
    stomp_endpoints = list(string)               # stomp+ssl://host:port, one per node
  })
  default = null

  validation {
    condition = var.existing == null ? true : alltrue([
      for endpoint in var.existing.stomp_endpoints : can(regex("^stomp\\+ssl://[A-Za-z0-9.-]+:[0-9]{1,5}$", endpoint))
    ]) && (length(var.existing.stomp_endpoints) > 0 || var.engine_type == "RabbitMQ")
    error_message = "existing.stomp_endpoints must be a list of stomp+ssl://host:port, at least one for ActiveMQ."
  }

  validation {
    condition = var.existing == null ? true : alltrue([
      for endpoint in var.existing.endpoints : can(regex("^(ssl|amqp\\+ssl|amqps|mqtt\\+ssl|wss)://[A-Za-z0-9.-]+:[0-9]{1,5}$", endpoint))
    ])
    error_message = "existing.endpoints must be a list of ssl, amqp+ssl, amqps, mqtt+ssl or wss://host:port; plain-text protocols are not allowed."
  }

  validation {
    condition     = var.existing == null ? true : contains([1, 2, 3], length(distinct(var.existing.node_names)))
    error_message = "existing.node_names must list one to three distinct values of the CloudWatch dimension Broker."
  }
}

variable "instance_type" {
  description = "Instance type of each broker node. Null means mq.t3.micro for ActiveMQ and mq.m7g.medium for RabbitMQ, both for evaluation."
  type        = string
  default     = null

  validation {
    condition = var.instance_type == null ? true : can(regex(
      var.engine_type == "RabbitMQ"
      ? "^mq\\.(m5\\.(large|[24]?xlarge)|m7g\\.(medium|large|([248]|12|16)?xlarge))$"
      : "^mq\\.(t3\\.micro|m5\\.(large|[24]?xlarge))$",
      var.instance_type,
    ))
    error_message = "instance_type must be mq.m5.large, .xlarge, .2xlarge or .4xlarge; or mq.t3.micro for ActiveMQ; or mq.m7g.medium, .large, .xlarge, .2xlarge, .4xlarge, .8xlarge, .12xlarge or .16xlarge for RabbitMQ."
  }

  validation {
    condition = (
      var.instance_type == null || var.engine_type != "RabbitMQ" || var.engine_version == "3.13" ? true :
      startswith(var.instance_type, "mq.m7g.")
    )
    error_message = "instance_type must be of the mq.m7g family for RabbitMQ 4.2."
  }
}

variable "logs" {
  description = "Broker logs in CloudWatch Logs."
  type = object({
    audit          = optional(bool)       # actions of administrators; default true for ActiveMQ, not available for RabbitMQ
    general        = optional(bool, true) # general log of the broker
    kms_key_arn    = optional(string)     # KMS key of the log groups; requires retention_days
    retention_days = optional(number)     # manages the log groups that Amazon MQ creates: import them first, see the README
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.engine_type != "RabbitMQ" || var.logs.audit != true
    error_message = "logs.audit must be null or false when engine_type is RabbitMQ, which has no audit log."
  }

  validation {
    condition = var.logs.retention_days == null ? true : contains(
      [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653],
      var.logs.retention_days,
    )
    error_message = "logs.retention_days must be 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653."
  }

  validation {
    condition = var.logs.kms_key_arn == null ? true : (
      var.logs.retention_days != null && can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.logs.kms_key_arn))
    )
    error_message = "logs.kms_key_arn must be the ARN of a key (arn:aws:kms:...:key/...) and requires logs.retention_days."
  }
}

variable "name" {
  description = "Name of the broker and of its configuration."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,50}$", var.name))
    error_message = "name must have 1 to 50 characters of A-Z, a-z, 0-9 and _ -."
  }
}

variable "nodes" {
  description = "Time of changes, encryption, maintenance window, limits and storage of the nodes."
  type = object({
    apply_immediately = optional(bool, false) # true: an apply that changes the configuration reboots the broker; false: it waits for a reboot, see the README
    kms_key_arn       = optional(string)      # KMS key for stored messages of ActiveMQ; null for the key of Amazon MQ
    maintenance_window = optional(object({    # when Amazon MQ may restart the broker; null lets it choose
      day_of_week = string                    # MONDAY to SUNDAY
      time_of_day = string                    # such as 23:59
      time_zone   = optional(string, "UTC")   # UTC, UTC+09:00 or Asia/Seoul
    }))
    memory_percent  = optional(number) # percentage of the heap of ActiveMQ for messages, 10 to 70
    send_timeout_ms = optional(number) # how long a send to a full ActiveMQ waits before it fails; null never fails
    storage_type    = optional(string) # efs, or ebs for a single mq.m5: faster, but in one zone
  })
  default  = {}
  nullable = false

  validation {
    condition = var.nodes.kms_key_arn == null ? true : (
      var.engine_type == "ActiveMQ" && can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.nodes.kms_key_arn))
    )
    error_message = "nodes.kms_key_arn must be the ARN of a key (arn:aws:kms:...:key/...), and null when engine_type is RabbitMQ, which does not support it."
  }

  validation {
    condition = var.nodes.maintenance_window == null ? true : (
      contains(
        ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"],
        var.nodes.maintenance_window.day_of_week,
      ) &&
      can(regex("^([01][0-9]|2[0-3]):[0-5][0-9]$", var.nodes.maintenance_window.time_of_day)) &&
      can(regex("^(UTC([+-][0-9]{2}:[0-9]{2})?|[A-Z][A-Za-z_]+(/[A-Za-z_+-]+)+)$", var.nodes.maintenance_window.time_zone))
    )
    error_message = "nodes.maintenance_window must have a day_of_week from MONDAY to SUNDAY, a time_of_day from 00:00 to 23:59, and a time_zone such as UTC, UTC+09:00 or Asia/Seoul."
  }

  validation {
    condition = var.nodes.memory_percent == null ? true : (
      var.engine_type == "ActiveMQ" && 10 <= var.nodes.memory_percent && var.nodes.memory_percent <= 70 &&
      floor(var.nodes.memory_percent) == var.nodes.memory_percent
    )
    error_message = "nodes.memory_percent must be a whole number from 10 to 70, and null when engine_type is RabbitMQ."
  }

  validation {
    condition = var.nodes.send_timeout_ms == null ? true : (
      var.engine_type == "ActiveMQ" && 0 < var.nodes.send_timeout_ms && var.nodes.send_timeout_ms <= 600000 &&
      floor(var.nodes.send_timeout_ms) == var.nodes.send_timeout_ms
    )
    error_message = "nodes.send_timeout_ms must be a whole number from 1 to 600000, and null when engine_type is RabbitMQ."
  }

  validation {
    condition = (
      var.nodes.storage_type == null ? true :
      var.engine_type == "ActiveMQ" && contains(["ebs", "efs"], var.nodes.storage_type)
    )
    error_message = "nodes.storage_type must be ebs or efs, and null when engine_type is RabbitMQ, which always uses ebs."
  }

  validation {
    condition = var.nodes.storage_type != "ebs" || var.engine_type == "RabbitMQ" ? true : (
      var.deployment_mode == "SINGLE_INSTANCE" && startswith(coalesce(var.instance_type, "mq.t3.micro"), "mq.m5.")
    )
    error_message = "nodes.storage_type may be ebs only with an instance_type of the mq.m5 family and deployment_mode SINGLE_INSTANCE; efs works everywhere."
  }
}

variable "security_group_ids" {
  description = "Security groups of the broker."
  type        = list(string)

  validation {
    condition     = length(var.security_group_ids) > 0 || var.existing != null
    error_message = "security_group_ids must contain at least one group, unless existing is set."
  }
}

variable "subnet_ids" {
  description = "Private subnets in different zones. A single broker uses the first, a pair the first two, a cluster the first three."
  type        = list(string)

  validation {
    condition = (
      var.existing != null || length(var.subnet_ids) >= (var.deployment_mode == "ACTIVE_STANDBY_MULTI_AZ" ? 2 : 1)
    )
    error_message = "subnet_ids must contain one subnet for SINGLE_INSTANCE and CLUSTER_MULTI_AZ and two for ACTIVE_STANDBY_MULTI_AZ, unless existing is set."
  }
}
