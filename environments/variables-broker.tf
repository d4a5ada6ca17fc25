# The message broker.

variable "mq_admin_password" {
  description = "Password of the broker's user; generated when absent."
  type        = string
  default     = null
  ephemeral   = true
  sensitive   = true

  validation {
    condition = var.mq_admin_password == null ? true : (
      can(regex("^[!-+\\--9;<>-~]{12,250}$", var.mq_admin_password)) &&
      length(distinct(split("", var.mq_admin_password))) >= 4
    )
    error_message = "mq_admin_password must have 12 to 250 printable ASCII characters, at least 4 of them different, without comma, colon, equals sign and space."
  }

  validation {
    condition     = var.mq_existing == null || var.mq_admin_password != null
    error_message = "mq_admin_password must be given with mq_existing: it is that of the existing broker's user mq_admin_username."
  }
}

variable "mq_admin_password_version" {
  description = "Raise it by one to make a new mq_admin_password take effect."
  type        = number
  default     = 1
}

variable "mq_admin_username" {
  description = "User of the broker, made with it; with mq_existing, its user that workers and web tier log in as."
  type        = string
  default     = "admin"
}

variable "mq_broker_endpoint_override" {
  description = "Comma-separated stomp+ssl://host:port that workers use instead of the broker's own addresses; null for none."
  type        = string
  default     = null

  validation {
    condition = var.mq_broker_endpoint_override == null ? true : alltrue([
      for endpoint in split(",", var.mq_broker_endpoint_override) :
      can(regex("^stomp\\+ssl://[^:/\\s]+:[0-9]{1,5}$", endpoint))
    ])
    error_message = "mq_broker_endpoint_override must be stomp+ssl://host:port, several of them separated by commas."
  }
}

variable "mq_deployment_mode" {
  description = "SINGLE_INSTANCE, or ACTIVE_STANDBY_MULTI_AZ for a pair in two zones."
  type        = string
  default     = "SINGLE_INSTANCE"

  validation {
    condition     = contains(["SINGLE_INSTANCE", "ACTIVE_STANDBY_MULTI_AZ"], var.mq_deployment_mode)
    error_message = "mq_deployment_mode must be SINGLE_INSTANCE or ACTIVE_STANDBY_MULTI_AZ; CLUSTER_MULTI_AZ is for RabbitMQ, which the workers do not speak."
  }
}

variable "mq_enable_audit_logs" {
  description = "Send the broker's audit log to CloudWatch Logs, besides the general one."
  type        = bool
  default     = true
}

variable "mq_enable_authorization" {
  description = "Let the groups of role users do what their role needs and no more; otherwise every user may do everything."
  type        = bool
  default     = true
}

variable "mq_enable_role_users" {
  description = "Give web tier, workers and operators a user of the broker each; otherwise all use mq_admin_username."
  type        = bool
  default     = true

  validation {
    condition     = !var.mq_enable_role_users || !contains(["operator", "web", "worker"], var.mq_admin_username)
    error_message = "mq_enable_role_users makes the users operator, web and worker: mq_admin_username must be another name, or mq_enable_role_users false."
  }
}

variable "mq_engine_type" {
  description = "Broker engine: ActiveMQ."
  type        = string
  default     = "ActiveMQ"

  validation {
    condition     = var.mq_engine_type == "ActiveMQ"
    error_message = "mq_engine_type must be ActiveMQ: the grading workers speak STOMP, and a RabbitMQ broker of Amazon MQ speaks AMQP only. The module messaging makes RabbitMQ for roots and programs of your own."
  }
}

variable "mq_engine_version" {
  description = "ActiveMQ version as major.minor; Amazon MQ chooses the patch, and upgrades it by itself."
  type        = string
  default     = "5.18"
}

variable "mq_existing" {
  description = "A broker of your own with the four queues; then none is made, nor users, and mq_admin_username and mq_admin_password are those of its user. Null makes a broker."
  type = object({
    stomp_endpoints = list(string)               # stomp+ssl://host:port of each node
    node_names      = list(string)               # values of the dimension Broker in CloudWatch
    name            = optional(string)           # of the broker
    endpoints       = optional(list(string), []) # for other protocols
    log_group_names = optional(list(string), []) # of the broker
  })
  default = null
}

variable "mq_instance_type" {
  description = "Size of the broker."
  type        = string
  default     = "mq.t3.micro"
}

variable "mq_maintenance_window" {
  description = "When Amazon MQ may restart the broker for an upgrade; null lets it choose."
  type = object({
    day_of_week = string                  # MONDAY to SUNDAY
    time_of_day = string                  # HH:MM, 24 hours
    time_zone   = optional(string, "UTC") # such as Asia/Seoul
  })
  default = null
}

variable "mq_queue_policies" {
  description = "How queues behave, by name; a name may end in .> for all below, and > stands for all. What is left out is as under >, and else as the module messaging says."
  type = map(object({
    dead_letter_queue            = optional(string) # takes what was refused too often or expired
    expired_to_dead_letter_queue = optional(bool)   # keep what expired there, too
    expiry_check_ms              = optional(number) # how often to look for what expired
    max_browse_page_size         = optional(number) # messages that a look into the queue may show
    max_destinations             = optional(number) # queues of this name pattern
    memory_limit_mb              = optional(number) # memory that its messages may take
    prefetch                     = optional(number) # messages sent ahead to a consumer that says nothing
    prioritized                  = optional(bool)   # the header priority counts
    producer_flow_control        = optional(bool)   # let senders wait when it is full
    redelivery = optional(object({
      backoff_multiplier = optional(number, 2)     # each wait is so many times the one before
      delay_ms           = optional(number, 5000)  # first wait
      maximum            = optional(number, 3)     # deliveries again before it is dead
      maximum_delay_ms   = optional(number, 60000) # longest wait
    }))
    send_timeout_ms = optional(number) # how long a send waits when it is full
    strict_order    = optional(bool)   # one after the other, even with several consumers
    use_cache       = optional(bool)   # keep messages in memory, too
  }))
  default  = {}
  nullable = false
}

variable "mq_storage_type" {
  description = "efs, or ebs for a single broker of the mq.m5 family, which is faster and kept in one zone; null lets Amazon MQ choose."
  type        = string
  default     = null
}

variable "mq_user_passwords" {
  description = "Passwords of the role users operator, web and worker; those that are absent are generated."
  type        = map(string)
  default     = {}
  ephemeral   = true
  sensitive   = true
  nullable    = false

  validation {
    condition     = length(setsubtract(keys(var.mq_user_passwords), ["operator", "web", "worker"])) == 0
    error_message = "mq_user_passwords may have the keys operator, web and worker."
  }

  validation {
    condition = alltrue([
      for password in values(var.mq_user_passwords) :
      can(regex("^[!-+\\--9;<>-~]{12,250}$", password)) && length(distinct(split("", password))) >= 4
    ])
    error_message = "mq_user_passwords must each have 12 to 250 printable ASCII characters, at least 4 of them different, without comma, colon, equals sign and space."
  }
}

variable "mq_user_passwords_version" {
  description = "Raise it by one to make new mq_user_passwords take effect."
  type        = number
  default     = 1
}
