# The database.

variable "db_admin_password" {
  description = "Password of the database's administrator; generated when absent."
  type        = string
  default     = null
  ephemeral   = true
  sensitive   = true

  validation {
    condition     = var.db_existing == null || var.db_admin_password != null
    error_message = "db_admin_password must be given with db_existing: it is that of the existing database's user db_admin_username."
  }
}

variable "db_admin_password_version" {
  description = "Raise it by one to make a new db_admin_password take effect."
  type        = number
  default     = 1
}

variable "db_admin_username" {
  description = "Name of the database's administrator; a later change replaces the database. With db_existing, its user that workers log in as."
  type        = string
  default     = "grader"
}

variable "db_allocated_storage_gb" {
  description = "Size of the disk in GB."
  type        = number
  default     = 20
}

variable "db_application_password" {
  description = "Password of the application's user of the database; generated when absent."
  type        = string
  default     = null
  ephemeral   = true
  sensitive   = true

  validation {
    condition     = var.db_application_password == null ? true : can(regex("^[!#-&(-\\[\\]-_a-~]{8,128}$", var.db_application_password))
    error_message = "db_application_password must have 8 to 128 printable ASCII characters without space, quotes, backtick and backslash."
  }
}

variable "db_application_password_version" {
  description = "Raise it by one to make a new db_application_password take effect."
  type        = number
  default     = 1
}

variable "db_application_username" {
  description = "Application's user of the database, whom `grader database-user` makes with the rights that workers need."
  type        = string
  default     = "grader_app"
}

variable "db_backup_retention_days" {
  description = "Days for which daily backups are kept, 0 to 35; null is 7 with enable_data_protection, else none."
  type        = number
  default     = null
}

variable "db_backup_window" {
  description = "When the daily backup is made, hh:mm-hh:mm in UTC; null lets RDS choose."
  type        = string
  default     = null
}

variable "db_enable_auto_minor_upgrade" {
  description = "Let RDS take new patches of db_engine_version in the maintenance window."
  type        = bool
  default     = true
}

variable "db_enable_iam_authentication" {
  description = "Let programs of yours log in with an IAM token instead of a password, by the output database_connect_policy_json."
  type        = bool
  default     = false
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

variable "db_engine_version" {
  description = "MySQL version as major.minor; RDS chooses the patch."
  type        = string
  default     = "8.4"
}

variable "db_enhanced_monitoring_seconds" {
  description = "Seconds between the readings of enhanced monitoring: 1, 5, 10, 15, 30 or 60; null for none."
  type        = number
  default     = null
}

variable "db_existing" {
  description = "A MySQL database that is there already; then none is made, and db_admin_username and db_admin_password are those of its user. Null makes a database."
  type = object({
    endpoint      = string                      # host:port
    database_name = optional(string, "grading") # schema that is there
    identifier    = optional(string)            # of the instance, for alarms
    arn           = optional(string)            # for db_enable_iam_authentication
    resource_id   = optional(string)            # db-..., for db_enable_iam_authentication
  })
  default = null
}

variable "db_instance_class" {
  description = "Size of the database."
  type        = string
  default     = "db.t4g.micro"
}

variable "db_maintenance_window" {
  description = "When RDS may restart the database for an upgrade, ddd:hh:mm-ddd:hh:mm in UTC; null lets it choose."
  type        = string
  default     = null
}

variable "db_max_allocated_storage_gb" {
  description = "Size in GB up to which RDS lets the disk grow by itself; null lets it not grow."
  type        = number
  default     = null
}

variable "db_multi_az" {
  description = "Keep a standby of the database in a second zone."
  type        = bool
  default     = false
}

variable "db_parameters" {
  description = "More parameters of MySQL by name."
  type = map(object({
    value        = string
    apply_method = optional(string, "pending-reboot") # or immediate, for dynamic ones
  }))
  default  = {}
  nullable = false
}

variable "db_performance_insights_days" {
  description = "Days for which Performance Insights are kept: 7, 731, or a multiple of 31 up to 713; 0 for none. Micro and small classes have none."
  type        = number
  default     = 7
}

variable "db_slow_query_seconds" {
  description = "Seconds after which a query is logged as slow."
  type        = number
  default     = 1
}

variable "enable_db_application_user" {
  description = "Let workers log in as the application's user instead of the administrator; make that user first, with `grader database-user`."
  type        = bool
  default     = false
}
