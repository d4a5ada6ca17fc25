# The database.

variable "db_allocated_storage_gb" {
  description = "Initial storage in GB."
  type        = number
  default     = 20
}

variable "db_apply_immediately" {
  description = "Restart the database in the apply that changes its instance class, version or zones; false lets the changes wait for the maintenance window."
  type        = bool
  default     = false
}

variable "db_backup_retention_days" {
  description = "Retention of daily backups in days, 0 to 35, where 0 deletes the existing ones; null means 7."
  type        = number
  default     = null
}

variable "db_backup_window" {
  description = "Daily backup window, hh:mm-hh:mm in UTC; null lets RDS choose."
  type        = string
  default     = null
}

variable "db_enable_auto_minor_upgrade" {
  description = "Let RDS install patches of db_engine_version in the maintenance window."
  type        = bool
  default     = true
}

variable "db_enable_final_snapshot" {
  description = "Take the snapshot <environment_name>-grading-final before the database is deleted."
  type        = bool
  default     = true
}

variable "db_enable_iam_authentication" {
  description = "Allow logins with an IAM token instead of a password; the output database_connect_policy_json has the policy."
  type        = bool
  default     = false
}

variable "db_endpoint_override" {
  description = "host:port that workers use instead of the instance's endpoint; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.db_endpoint_override == null ? true : can(regex("^[^:/\\s]+:[0-9]{1,5}$", var.db_endpoint_override))
    error_message = "db_endpoint_override must be host:port."
  }
}

variable "db_engine_version" {
  description = "MySQL version as major.minor; RDS chooses the patch."
  type        = string
  default     = "8.4"
}

variable "db_enhanced_monitoring_seconds" {
  description = "Interval of enhanced monitoring in seconds: 1, 5, 10, 15, 30 or 60; null disables it."
  type        = number
  default     = null
}

variable "db_existing" {
  description = "Existing MySQL database; none is created, and db_admin_username and db_admin_password are its login. Null creates a database."
  type = object({
    endpoint           = string                      # host:port
    database_name      = optional(string, "grading") # existing schema
    identifier         = optional(string)            # instance identifier, for alarms
    arn                = optional(string)            # required with db_enable_iam_authentication
    resource_id        = optional(string)            # db-...; required with db_enable_iam_authentication
    security_group_ids = optional(list(string), [])  # its groups, which must allow the groups of workers and web; or:
    cidr_blocks        = optional(list(string), [])  # its addresses
  })
  default = null

  validation {
    condition     = var.db_existing == null ? true : length(concat(var.db_existing.security_group_ids, var.db_existing.cidr_blocks)) > 0
    error_message = "db_existing requires security_group_ids or cidr_blocks, to which workers and web tier may connect."
  }
}

variable "db_instance_class" {
  description = "Instance class of the database."
  type        = string
  default     = "db.t4g.micro"
}

variable "db_keep_backups" {
  description = "Keep the daily backups after the database is deleted, until their retention ends."
  type        = bool
  default     = true
}

variable "db_maintenance_window" {
  description = "Weekly maintenance window of the database, ddd:hh:mm-ddd:hh:mm in UTC; null lets RDS choose."
  type        = string
  default     = null
}

variable "db_max_allocated_storage_gb" {
  description = "Limit of storage autoscaling in GB; null disables it."
  type        = number
  default     = null
}

variable "db_multi_az" {
  description = "Run a standby of the database in a second zone."
  type        = bool
  default     = false
}

variable "db_parameters" {
  description = "Additional MySQL parameters by name."
  type = map(object({
    value        = string
    apply_method = optional(string, "pending-reboot") # pending-reboot, or immediate for dynamic parameters
  }))
  default  = {}
  nullable = false
}

variable "db_performance_insights_days" {
  description = "Retention of Performance Insights in days: 7, 731, or a multiple of 31 up to 713; 0 disables it. Not available on micro and small classes."
  type        = number
  default     = 7
}

variable "db_restore" {
  description = "What a new database is restored from: exactly one of snapshot, instance and backup_arn; ignored once the database exists. Its administrator must be db_admin_username. Null creates an empty database."
  type = object({
    snapshot   = optional(string) # identifier or ARN of a snapshot
    instance   = optional(string) # identifier of an existing instance, such as that of another environment
    backup_arn = optional(string) # ARN of the backups of a deleted instance
    time       = optional(string) # with instance or backup_arn: yyyy-mm-ddThh:mm:ssZ; null: the latest possible
  })
  default = null

  validation {
    condition     = var.db_restore == null || var.db_existing == null
    error_message = "db_restore must be null with db_existing: an existing database is used as it is."
  }
}

variable "db_slow_query_seconds" {
  description = "Queries slower than this are logged."
  type        = number
  default     = 1
}

variable "db_storage_performance" {
  description = "IOPS and throughput of the storage above the baseline of gp3; requires db_allocated_storage_gb of 400 or more. Null: the baseline."
  type = object({
    iops             = optional(number, 12000) # 12000 (the baseline) to 64000
    throughput_mib_s = optional(number, 500)   # MiB per second, 500 (the baseline) to 4000, at most a quarter of iops
  })
  default = null
}
