# The message broker.

variable "mq_admin_password" {
  description = "Password of the broker's administrator; generated when absent."
  type        = string
  default     = null
  ephemeral   = true
  sensitive   = true

  validation {
    condition = var.mq_admin_password == null ? true : (
      can(regex("^[!-+\\--9;<>-~]{12,250}$", var.mq_admin_password)) &&
      length(distinct(split("", var.mq_admin_password))) >= 4
    )
    error_message = "mq_admin_password must have 12 to 250 printable ASCII characters, at least 4 of them distinct, without comma, colon, equals sign and space."
  }

  validation {
    condition     = var.mq_existing == null || var.mq_admin_password != null
    error_message = "mq_admin_password is required with mq_existing: it is the password of the existing broker's user mq_admin_username."
  }
}

variable "mq_admin_password_version" {
  description = "Increase by one to apply a new mq_admin_password."
  type        = number
  default     = 1
}

variable "mq_admin_username" {
  description = "Administrator of the broker, created with it; with mq_existing, the user of workers and web tier."
  type        = string
  default     = "admin"
}

variable "mq_apply_immediately" {
  description = "Reboot the broker in the apply that changes its configuration, logs, version or instance type; false lets the changes wait for the next reboot, at the latest that of the maintenance window."
  type        = bool
  default     = false
}

variable "mq_broker_endpoint_override" {
  description = "Comma-separated stomp+ssl://host:port that workers use instead of the broker's endpoints; null for none."
  type        = string
  default     = null

  validation {
    condition = var.mq_broker_endpoint_override == null ? true : alltrue([
      for endpoint in split(",", var.mq_broker_endpoint_override) :
      can(regex("^stomp\\+ssl://[^:/\\s]+:[0-9]{1,5}$", endpoint))
    ])
    error_message = "mq_broker_endpoint_override must be one or more stomp+ssl://host:port, separated by commas."
  }
}

variable "mq_deployment_mode" {
  description = "SINGLE_INSTANCE, or ACTIVE_STANDBY_MULTI_AZ for a pair in two zones."
  type        = string
  default     = "SINGLE_INSTANCE"

  validation {
    condition     = contains(["SINGLE_INSTANCE", "ACTIVE_STANDBY_MULTI_AZ"], var.mq_deployment_mode)
    error_message = "mq_deployment_mode must be SINGLE_INSTANCE or ACTIVE_STANDBY_MULTI_AZ; CLUSTER_MULTI_AZ is for RabbitMQ, which the workers do not support."
  }
}

variable "mq_enable_audit_logs" {
  description = "Send the broker's audit log to CloudWatch Logs, in addition to the general log."
  type        = bool
  default     = true
}

variable "mq_enable_authorization" {
  description = "Limit each role user to the rights of its role; false gives every user all rights."
  type        = bool
  default     = true
}

variable "mq_enable_role_users" {
  description = "Create separate broker users operator, web and worker; one with the name of mq_admin_username gets the prefix grading-. False uses mq_admin_username for all."
  type        = bool
  default     = true
}

variable "mq_engine_type" {
  description = "Broker engine: ActiveMQ."
  type        = string
  default     = "ActiveMQ"

  validation {
    condition     = var.mq_engine_type == "ActiveMQ"
    error_message = "mq_engine_type must be ActiveMQ: the grading workers use STOMP, and RabbitMQ on Amazon MQ supports only AMQP. The module messaging can create RabbitMQ for other roots and programs."
  }
}

variable "mq_engine_version" {
  description = "ActiveMQ version as major.minor; Amazon MQ chooses and upgrades the patch."
  type        = string
  default     = "5.18"
}

variable "mq_existing" {
  description = "Existing broker with the four queues; no broker and no users are created, and mq_admin_username and mq_admin_password are its login. Null creates a broker."
  type = object({
    stomp_endpoints    = list(string)               # stomp+ssl://host:port, one per node
    node_names         = list(string)               # values of the CloudWatch dimension Broker
    name               = optional(string)           # name of the broker
    endpoints          = optional(list(string), []) # endpoints of other protocols
    log_group_names    = optional(list(string), []) # log groups of the broker
    security_group_ids = optional(list(string), []) # its groups, which must allow the groups of workers and web; or:
    cidr_blocks        = optional(list(string), []) # its addresses
  })
  default = null

  validation {
    condition     = var.mq_existing == null ? true : length(concat(var.mq_existing.security_group_ids, var.mq_existing.cidr_blocks)) > 0
    error_message = "mq_existing requires security_group_ids or cidr_blocks, to which workers and web tier may connect."
  }
}

variable "mq_instance_type" {
  description = "Instance type of the broker."
  type        = string
  default     = "mq.t3.micro"
}

variable "mq_maintenance_window" {
  description = "Weekly maintenance window of the broker; null lets Amazon MQ choose."
  type = object({
    day_of_week = string                  # MONDAY to SUNDAY
    time_of_day = string                  # HH:MM, 24 hours
    time_zone   = optional(string, "UTC") # such as Asia/Seoul
  })
  default = null
}

variable "mq_queue_policies" {
  description = "Queue policies by name; a name may end in .> for all queues below, and > means all queues. Omitted settings come from >, else from the defaults of the module messaging."
  type = map(object({
    dead_letter_queue            = optional(string) # receives expired and repeatedly rejected messages
    expired_to_dead_letter_queue = optional(bool)   # false drops expired messages
    expiry_check_ms              = optional(number) # interval of the search for expired messages
    max_browse_page_size         = optional(number) # most messages in one page of a browse
    max_destinations             = optional(number) # number of queues under this name
    memory_limit_mb              = optional(number) # memory for its messages
    prefetch                     = optional(number) # unacknowledged messages per consumer, unless the client asks for fewer
    prioritized                  = optional(bool)   # deliver by message priority
    producer_flow_control        = optional(bool)   # block senders when memory is full
    redelivery = optional(object({
      backoff_multiplier = optional(number, 2)     # factor between one delay and the next
      delay_ms           = optional(number, 5000)  # first delay
      maximum            = optional(number, 3)     # redeliveries before the dead-letter queue
      maximum_delay_ms   = optional(number, 60000) # longest delay
    }))
    send_timeout_ms = optional(number) # how long a send to a full queue waits
    strict_order    = optional(bool)   # same order for all consumers
    use_cache       = optional(bool)   # cache waiting messages in memory
  }))
  default  = {}
  nullable = false
}

variable "mq_storage_type" {
  description = "efs, or ebs for a single broker of the mq.m5 family, which is faster but in one zone; null lets Amazon MQ choose."
  type        = string
  default     = null
}

variable "mq_user_passwords" {
  description = "Passwords of the role users operator, web and worker; absent ones are generated."
  type        = map(string)
  default     = {}
  ephemeral   = true
  sensitive   = true
  nullable    = false

  validation {
    condition     = length(setsubtract(keys(var.mq_user_passwords), ["operator", "web", "worker"])) == 0
    error_message = "mq_user_passwords may contain only the keys operator, web and worker."
  }

  validation {
    condition = alltrue([
      for password in values(var.mq_user_passwords) :
      can(regex("^[!-+\\--9;<>-~]{12,250}$", password)) && length(distinct(split("", password))) >= 4
    ])
    error_message = "mq_user_passwords must each have 12 to 250 printable ASCII characters, at least 4 of them distinct, without comma, colon, equals sign and space."
  }
}

variable "mq_user_passwords_version" {
  description = "Increase by one to apply new mq_user_passwords."
  type        = number
  default     = 1
}
