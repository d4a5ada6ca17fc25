variable "admin_username" {
  description = "User of the broker, made at creation; a later change needs a new broker."
  type        = string
  default     = "admin"

  validation {
    condition     = can(regex("^[A-Za-z0-9._~-]{1,100}$", var.admin_username))
    error_message = "admin_username must have 1 to 100 characters of A-Z, a-z, 0-9 and . _ ~ -."
  }
}

variable "dead_letter_queue" {
  description = "Queue that takes messages which expired or were refused too often."
  type        = string
  default     = "grading-dlq"

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$", var.dead_letter_queue))
    error_message = "dead_letter_queue must have 1 to 80 characters of A-Z, a-z, 0-9 and . _ -, the first a letter or digit."
  }
}

variable "deployment_mode" {
  description = "SINGLE_INSTANCE, or ACTIVE_STANDBY_MULTI_AZ for a pair in two zones."
  type        = string
  default     = "SINGLE_INSTANCE"

  validation {
    condition     = contains(["SINGLE_INSTANCE", "ACTIVE_STANDBY_MULTI_AZ"], var.deployment_mode)
    error_message = "deployment_mode must be SINGLE_INSTANCE or ACTIVE_STANDBY_MULTI_AZ."
  }
}

variable "engine_type" {
  description = "Broker engine; the workers speak STOMP, so ActiveMQ."
  type        = string
  default     = "ActiveMQ"

  validation {
    condition     = var.engine_type == "ActiveMQ"
    error_message = "engine_type must be ActiveMQ."
  }
}

variable "engine_version" {
  description = "ActiveMQ version as major.minor; Amazon MQ chooses the patch."
  type        = string
  default     = "5.18"

  validation {
    condition     = contains(["5.18", "5.19"], var.engine_version)
    error_message = "engine_version must be 5.18 or 5.19, without a patch number."
  }
}

variable "instance_type" {
  description = "Size of each broker node."
  type        = string
  default     = "mq.t3.micro"

  validation {
    condition     = can(regex("^mq\\.(t3\\.micro|m5\\.(large|xlarge|2xlarge|4xlarge))$", var.instance_type))
    error_message = "instance_type must be mq.t3.micro, mq.m5.large, mq.m5.xlarge, mq.m5.2xlarge or mq.m5.4xlarge."
  }
}

variable "logs" {
  description = "Which broker logs go to CloudWatch Logs."
  type = object({
    audit   = optional(bool, true)
    general = optional(bool, true)
  })
  default  = {}
  nullable = false
}

variable "max_browse_page_size" {
  description = "Messages that a look into a queue may show at most."
  type        = number
  default     = 100000

  validation {
    condition = (
      400 <= var.max_browse_page_size && var.max_browse_page_size <= 1000000 &&
      floor(var.max_browse_page_size) == var.max_browse_page_size
    )
    error_message = "max_browse_page_size must be a whole number from 400 to 1000000."
  }
}

variable "name" {
  description = "Name of the broker and of its configuration."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9._~-]{1,50}$", var.name))
    error_message = "name must have 1 to 50 characters of A-Z, a-z, 0-9 and . _ ~ -."
  }
}

variable "queues" {
  description = "Queues that exist from the start."
  type        = set(string)
  default     = ["grading-priority", "grading-requests", "grading-results"]

  validation {
    condition = length(var.queues) > 0 && alltrue([
      for name in var.queues : can(regex("^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$", name))
    ])
    error_message = "queues needs at least one name; each has 1 to 80 characters of A-Z, a-z, 0-9 and . _ -, the first a letter or digit."
  }
}

variable "redelivery" {
  description = "How often and how late a message that a client refused is delivered again; delays in milliseconds."
  type = object({
    delay_ms         = optional(number, 5000)
    maximum          = optional(number, 3)
    maximum_delay_ms = optional(number, 60000)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.redelivery.delay_ms >= 1000 && var.redelivery.maximum_delay_ms >= var.redelivery.delay_ms
    error_message = "redelivery.delay_ms must be at least 1000 (Amazon MQ), and maximum_delay_ms not below it."
  }

  validation {
    condition     = var.redelivery.maximum >= 0 && var.redelivery.maximum <= 100
    error_message = "redelivery.maximum must be from 0 to 100."
  }
}

variable "security_group_ids" {
  description = "Security groups of the broker."
  type        = list(string)

  validation {
    condition     = length(var.security_group_ids) > 0
    error_message = "security_group_ids needs at least one group."
  }
}

variable "subnet_ids" {
  description = "Private subnets in different zones: the first is used, for a pair the first two."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= (var.deployment_mode == "SINGLE_INSTANCE" ? 1 : 2)
    error_message = "subnet_ids needs one subnet for SINGLE_INSTANCE and two for ACTIVE_STANDBY_MULTI_AZ."
  }
}
