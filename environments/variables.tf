variable "alarm_action_arns" {
  description = "SNS topics that are told when an alarm fires and when it ends."
  type        = list(string)
  default     = []
}

variable "availability_zone_suffixes" {
  description = "Last letters of the zones to use, at least two."
  type        = list(string)
  default     = ["a", "c"]

  validation {
    condition     = alltrue([for suffix in var.availability_zone_suffixes : can(regex("^[a-f]$", suffix))])
    error_message = "availability_zone_suffixes must be letters from a to f."
  }
}

variable "aws_account_id" {
  description = "The only account that may be changed; null allows any."
  type        = string
  default     = null

  validation {
    condition     = var.aws_account_id == null ? true : can(regex("^[0-9]{12}$", var.aws_account_id))
    error_message = "aws_account_id must be 12 digits, in quotes."
  }
}

variable "aws_region" {
  description = "Region of everything."
  type        = string
  default     = "ap-northeast-2"

  validation {
    condition     = contains(local.aws_regions, var.aws_region)
    error_message = "aws_region must be a region of AWS's commercial partition: ${join(", ", local.aws_regions)}."
  }
}

variable "db_admin_password" {
  description = "Password of the database's administrator; generated when absent."
  type        = string
  default     = null
  ephemeral   = true
  sensitive   = true
}

variable "db_admin_password_version" {
  description = "Raise it by one to make a new db_admin_password take effect."
  type        = number
  default     = 1
}

variable "db_admin_username" {
  description = "Name of the database's administrator; a later change replaces the database."
  type        = string
  default     = "grader"
}

variable "db_endpoint_override" {
  description = "host:port that workers use instead of the instance's own address; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.db_endpoint_override == null ? true : can(regex("^[^:/\\s]+:[0-9]{1,5}$", var.db_endpoint_override))
    error_message = "db_endpoint_override must be host:port."
  }
}

variable "db_instance_class" {
  description = "Size of the database."
  type        = string
  default     = "db.t4g.micro"
}

variable "db_multi_az" {
  description = "Keep a standby of the database in a second zone."
  type        = bool
  default     = false
}

variable "ecs_cpu_target_value" {
  description = "Percent of CPU at which autoscaling holds the workers."
  type        = number
  default     = 60
}

variable "ecs_desired_count" {
  description = "Workers at the start; with enable_ecs_autoscaling = false, always."
  type        = number
  default     = 2
}

variable "ecs_instance_type" {
  description = "Instances to run the workers on when use_fargate is false."
  type        = string
  default     = "m6i.large"
}

variable "ecs_max_capacity" {
  description = "Most workers that autoscaling starts."
  type        = number
  default     = 10
}

variable "ecs_memory_target_value" {
  description = "Percent of memory at which autoscaling holds the workers."
  type        = number
  default     = 75
}

variable "ecs_min_capacity" {
  description = "Fewest workers that autoscaling leaves."
  type        = number
  default     = 1
}

variable "ecs_task_cpu" {
  description = "CPU units of a worker; 1024 are one vCPU."
  type        = number
  default     = 512
}

variable "ecs_task_memory" {
  description = "Memory of a worker in MB."
  type        = number
  default     = 1024
}

variable "emulated" {
  description = "The AWS API is an emulator reached by AWS_ENDPOINT_URL."
  type        = bool
  default     = false
}

variable "enable_data_protection" {
  description = "Keep backups, and refuse to delete the database or a bucket that is not empty."
  type        = bool
  default     = true
}

variable "enable_ecs_alb_access" {
  description = "Let the web tier and its load balancer reach the workers on port 8080."
  type        = bool
  default     = false
}

variable "enable_ecs_autoscaling" {
  description = "Let the number of workers follow CPU, memory and the waiting messages."
  type        = bool
  default     = true
}

variable "enable_s3_lifecycle" {
  description = "Archive and delete old submissions and results; temp/ is always emptied."
  type        = bool
  default     = true
}

variable "enable_s3_versioning" {
  description = "Keep old versions of overwritten and deleted objects."
  type        = bool
  default     = true
}

variable "enable_service_discovery" {
  description = "Give the workers a DNS name inside the VPC."
  type        = bool
  default     = false
}

variable "enable_ssh_access" {
  description = "Open SSH to the web tier from ssh_cidr_blocks."
  type        = bool
  default     = false
}

variable "environment_name" {
  description = "Environment; first word of every name."
  type        = string
  default     = "production"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,23}$", var.environment_name))
    error_message = "environment_name must have 1 to 24 characters of a-z, 0-9 and -, the first a letter."
  }
}

variable "grading_container_image" {
  description = "Image of the worker; by default latest of the repository <environment_name>-grading-worker in this account."
  type        = string
  default     = null
}

variable "grading_worker_settings" {
  description = "More environment variables of the worker, such as WORKER_SLOTS or LOG_FORMAT."
  type        = map(string)
  default     = {}

  validation {
    condition = length(setsubtract([for name in keys(var.grading_worker_settings) : name if !startswith(name, "HANDLER_")], [
      "DRAIN_SECONDS", "JOB_HANDLER", "LANGUAGES", "LOG_FORMAT", "LOG_LEVEL", "LOOK_AHEAD", "MAX_ATTEMPTS",
      "MAX_MEMORY_LIMIT_MB", "MAX_SOURCE_BYTES", "MAX_TIME_LIMIT_MS", "RETRY_DELAY_MS", "WORKER_SLOTS",
    ])) == 0
    error_message = "grading_worker_settings may hold DRAIN_SECONDS, JOB_HANDLER, LANGUAGES, LOG_FORMAT, LOG_LEVEL, LOOK_AHEAD, MAX_ATTEMPTS, MAX_MEMORY_LIMIT_MB, MAX_SOURCE_BYTES, MAX_TIME_LIMIT_MS, RETRY_DELAY_MS, WORKER_SLOTS, and HANDLER_* for a handler of your own."
  }
}

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
}

variable "mq_admin_password_version" {
  description = "Raise it by one to make a new mq_admin_password take effect."
  type        = number
  default     = 1
}

variable "mq_admin_username" {
  description = "User of the broker, made with it."
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
}

variable "mq_enable_audit_logs" {
  description = "Send the broker's audit log to CloudWatch Logs, besides the general one."
  type        = bool
  default     = true
}

variable "mq_engine_type" {
  description = "Broker engine: ActiveMQ."
  type        = string
  default     = "ActiveMQ"
}

variable "mq_engine_version" {
  description = "ActiveMQ version as major.minor."
  type        = string
  default     = "5.18"
}

variable "mq_instance_type" {
  description = "Size of the broker."
  type        = string
  default     = "mq.t3.micro"
}

variable "s3_bucket_name" {
  description = "Name of the bucket; by default <environment_name>-grading-files."
  type        = string
  default     = null
}

variable "s3_lifecycle_expiration_days" {
  description = "Age in days at which submissions and results are deleted."
  type        = number
  default     = 90
}

variable "ssh_cidr_blocks" {
  description = "IPv4 ranges for enable_ssh_access; by default the VPC's own."
  type        = list(string)
  default     = []
}

variable "tags" {
  description = "More tags for everything; Environment, ManagedBy and Project are set already."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = length(var.tags) <= 40
    error_message = "tags may have at most 40: AWS allows 50 on a resource, and 10 are kept for those set here and by AWS services."
  }

  validation {
    condition = alltrue([
      for key, value in var.tags :
      can(regex("^[\\p{L}\\p{N} _.:/=+@-]{1,128}$", key)) && can(regex("^[\\p{L}\\p{N} _.:/=+@-]{0,256}$", value))
    ])
    error_message = "tags must have keys of 1 to 128 and values of at most 256 letters, digits, spaces and _ . : / = + - @."
  }

  validation {
    condition = alltrue([
      for key in keys(var.tags) :
      !startswith(lower(key), "aws:") && !startswith(key, "gradectl:") && !contains(concat(keys(local.own_tags), ["Name"]), key)
    ])
    error_message = "tags must not begin with aws: or gradectl:, and must not be ${join(", ", keys(local.own_tags))} or Name, which are set already."
  }
}

variable "use_fargate" {
  description = "Run the workers on Fargate; otherwise on EC2 instances."
  type        = bool
  default     = true
}

variable "vpc_cidr_block" {
  description = "IPv4 range of the VPC."
  type        = string
  default     = "10.0.0.0/16"
}
