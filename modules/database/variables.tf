variable "admin_password" {
  description = "Password of the administrator; write-only, not stored in state or plan. Not needed with existing."
  type        = string
  default     = null
  ephemeral   = true
  sensitive   = true

  validation {
    condition     = var.existing != null ? true : can(regex("^[!#-.0-?A-~]{8,41}$", var.admin_password)) # no slash, double quote, at sign or space
    error_message = "admin_password must have 8 to 41 printable ASCII characters without slash, double quote, at sign and space."
  }
}

variable "admin_password_version" {
  description = "Increase by one to apply a new admin_password."
  type        = number
  default     = 1

  validation {
    condition     = var.admin_password_version >= 1 && floor(var.admin_password_version) == var.admin_password_version
    error_message = "admin_password_version must be a whole number, at least 1."
  }
}

variable "admin_username" {
  description = "User name of the administrator; changing it replaces the database."
  type        = string
  default     = "grader"

  validation {
    condition = var.existing != null ? can(regex("^[!-~]{1,32}$", var.admin_username)) : (
      can(regex("^[a-z][a-z0-9_]{0,15}$", var.admin_username)) && !contains(local.reserved_users, var.admin_username)
    )
    error_message = "admin_username must have 1 to 16 characters of a-z, 0-9 and _, start with a letter, and not be ${join(" or ", local.reserved_users)}; with existing, it must have 1 to 32 printable ASCII characters."
  }
}

variable "application" {
  description = "Schema created with the instance, and the application user."
  type = object({
    database_name      = optional(string, "grading")    # read only when the database is created
    username           = optional(string, "grader_app") # created by `grader database-user`, not by Terraform
    iam_authentication = optional(bool, false)          # log in with IAM tokens instead of a password
  })
  default  = {}
  nullable = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9_]{0,63}$", var.application.database_name)) && !contains(local.reserved_schemas, var.application.database_name)
    error_message = "application.database_name must have 1 to 64 characters of a-z, 0-9 and _, start with a letter, and not be ${join(", ", local.reserved_schemas)}."
  }

  validation {
    condition     = can(regex("^[a-z][a-z0-9_]{0,31}$", var.application.username)) && !contains(local.reserved_users, var.application.username)
    error_message = "application.username must have 1 to 32 characters of a-z, 0-9 and _, start with a letter, and not be ${join(" or ", local.reserved_users)}."
  }

  validation {
    condition     = var.application.username != var.admin_username || var.existing != null
    error_message = "application.username must differ from admin_username, unless existing is set: the application needs no administrator rights."
  }

  validation {
    condition     = var.existing == null || !var.application.iam_authentication ? true : var.existing.arn != null && var.existing.resource_id != null
    error_message = "application.iam_authentication requires arn and resource_id of existing."
  }
}

variable "backup_retention_days" {
  description = "Retention of daily backups in days; 0 disables backups."
  type        = number
  default     = 7

  validation {
    condition     = var.backup_retention_days >= 0 && var.backup_retention_days <= 35 && floor(var.backup_retention_days) == var.backup_retention_days
    error_message = "backup_retention_days must be a whole number from 0 to 35."
  }
}

variable "enable_protection" {
  description = "Enable deletion protection. What remains after a deletion is set by storage.final_snapshot and storage.keep_backups."
  type        = bool
  default     = true
}

variable "engine" {
  description = "MySQL version, upgrades, backup and maintenance windows, and server parameters."
  type = object({
    version             = optional(string, "8.4") # major.minor; RDS chooses the patch
    allow_major_upgrade = optional(bool, false)   # allow a new major version
    auto_minor_upgrade  = optional(bool, true)    # RDS installs patches in the maintenance window
    apply_immediately   = optional(bool, false)   # true: an apply may restart the server; false: such changes wait for the maintenance window
    backup_window       = optional(string)        # daily, hh:mm-hh:mm in UTC; null: RDS chooses
    ca_certificate      = optional(string)        # certificate authority of the server; null: the account's default
    maintenance_window  = optional(string)        # weekly, ddd:hh:mm-ddd:hh:mm in UTC; null: RDS chooses
    parameters = optional(map(object({            # additional server parameters by name
      value        = string
      apply_method = optional(string, "pending-reboot") # pending-reboot, or immediate for dynamic parameters
    })), {})
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains(["8.0", "8.4"], var.engine.version)
    error_message = "engine.version must be 8.0 or 8.4."
  }

  validation {
    condition     = var.engine.ca_certificate == null ? true : contains(["rds-ca-ecc384-g1", "rds-ca-rsa2048-g1", "rds-ca-rsa4096-g1"], var.engine.ca_certificate)
    error_message = "engine.ca_certificate must be rds-ca-ecc384-g1, rds-ca-rsa2048-g1, rds-ca-rsa4096-g1 or null."
  }

  validation {
    condition     = var.engine.backup_window == null ? true : can(regex("^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]$", var.engine.backup_window))
    error_message = "engine.backup_window must be hh:mm-hh:mm in UTC such as 17:00-18:00, or null."
  }

  validation {
    condition     = var.engine.maintenance_window == null ? true : can(regex("^(mon|tue|wed|thu|fri|sat|sun):([01][0-9]|2[0-3]):[0-5][0-9]-(mon|tue|wed|thu|fri|sat|sun):([01][0-9]|2[0-3]):[0-5][0-9]$", var.engine.maintenance_window))
    error_message = "engine.maintenance_window must be ddd:hh:mm-ddd:hh:mm in UTC and lower case such as sun:18:30-sun:19:30, or null."
  }

  validation {
    condition     = length(setintersection(keys(var.engine.parameters), local.own_parameters)) == 0
    error_message = "engine.parameters must not contain ${join(", ", local.own_parameters)}, which the module sets."
  }

  validation {
    condition     = alltrue([for parameter in values(var.engine.parameters) : contains(["immediate", "pending-reboot"], parameter.apply_method)])
    error_message = "engine.parameters[*].apply_method must be immediate (dynamic parameters only) or pending-reboot."
  }
}

variable "existing" {
  description = "Existing database: the module creates nothing and returns these values as outputs. Null creates a database."
  type = object({
    endpoint    = string           # host:port
    arn         = optional(string) # required with application.iam_authentication
    identifier  = optional(string) # for alarms
    resource_id = optional(string) # db-...; required with application.iam_authentication
  })
  default = null

  validation {
    condition     = var.existing == null ? true : can(regex("^[^:/\\s]+:[0-9]{1,5}$", var.existing.endpoint))
    error_message = "existing.endpoint must be host:port."
  }

  validation {
    condition     = try(var.existing.arn, null) == null ? true : can(regex("^arn:aws[a-z-]*:rds:[a-z0-9-]+:[0-9]{12}:db:[a-z0-9-]+$", var.existing.arn))
    error_message = "existing.arn must be the ARN of an instance, arn:aws:rds:<region>:<account>:db:<identifier>, or null."
  }

  validation {
    condition     = try(var.existing.resource_id, null) == null ? true : can(regex("^db-[A-Z0-9]+$", var.existing.resource_id))
    error_message = "existing.resource_id must be the resource ID of an instance such as db-ABCDEFGHIJKL01234, not its name, or null."
  }
}

variable "instance_class" {
  description = "Instance class."
  type        = string
  default     = "db.t4g.micro"

  validation {
    condition     = can(regex("^db\\.[a-z0-9]+(-[a-z0-9]+)?\\.(micro|small|medium|large|[0-9]*xlarge)$", var.instance_class)) && !can(regex("^db\\.(t1|t2|m[1-4]|r[34]|serverless)\\.", var.instance_class))
    error_message = "instance_class must be an RDS class that supports MySQL 8, such as db.t4g.micro or db.m7g.large; t1, t2, m1 to m4, r3 and r4 do not."
  }
}

variable "monitoring" {
  description = "Performance Insights, enhanced monitoring, and logs."
  type = object({
    performance_insights_days = optional(number, 7)  # 7 (on classes that support it), 31, 62, ... 713, or 731; 0: off
    enhanced_interval_seconds = optional(number)     # interval of enhanced monitoring; null: off
    slow_query_seconds        = optional(number, 1)  # slower queries are logged
    log_retention_days        = optional(number, 30) # retention of the error log and the slow query log
    kms_key_arn               = optional(string)     # KMS key of logs and Performance Insights; null: keys of AWS
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains(concat([0, 7, 731], range(31, 714, 31)), var.monitoring.performance_insights_days)
    error_message = "monitoring.performance_insights_days must be 0, 7, 731, or a multiple of 31 up to 713."
  }

  validation {
    condition     = contains([0, 7], var.monitoring.performance_insights_days) || !can(regex("\\.(micro|small)$", var.instance_class))
    error_message = "monitoring.performance_insights_days must be 0 or 7 on micro and small classes, which do not support Performance Insights for MySQL (7 then means none)."
  }

  validation {
    condition     = var.monitoring.enhanced_interval_seconds == null ? true : contains([1, 5, 10, 15, 30, 60], var.monitoring.enhanced_interval_seconds)
    error_message = "monitoring.enhanced_interval_seconds must be 1, 5, 10, 15, 30 or 60, or null."
  }

  validation {
    condition     = var.monitoring.slow_query_seconds >= 0.1 && var.monitoring.slow_query_seconds <= 3600
    error_message = "monitoring.slow_query_seconds must be from 0.1 to 3600."
  }

  validation {
    condition     = contains(local.retention_days, var.monitoring.log_retention_days)
    error_message = "monitoring.log_retention_days must be one of ${join(", ", local.retention_days)}."
  }

  validation {
    condition     = var.monitoring.kms_key_arn == null ? true : can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[a-zA-Z0-9-]+$", var.monitoring.kms_key_arn))
    error_message = "monitoring.kms_key_arn must be the ARN of a key, arn:aws:kms:<region>:<account>:key/<id>, or null."
  }
}

variable "multi_az" {
  description = "Run a standby in a second zone."
  type        = bool
  default     = false
}

variable "name" {
  description = "Identifier of the instance and prefix of the names of its resources. Not needed with existing."
  type        = string
  default     = null

  validation {
    condition     = var.existing != null ? true : can(regex("^[a-z](-?[a-z0-9]){0,62}$", var.name))
    error_message = "name must have 1 to 63 characters of a-z, 0-9 and single -, start with a letter and not end with -."
  }

  validation {
    condition     = var.existing != null || var.monitoring.enhanced_interval_seconds == null ? true : length(var.name) <= 53
    error_message = "name must have at most 53 characters with monitoring.enhanced_interval_seconds, because the name of the role <name>-monitoring is limited to 64."
  }
}

variable "security_group_ids" {
  description = "Security groups of the database. Not needed with existing."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = var.existing != null || length(var.security_group_ids) > 0
    error_message = "security_group_ids must contain at least one group."
  }
}

variable "storage" {
  description = "Encrypted gp3 storage, what a deletion keeps of it, and what a new database is restored from."
  type = object({
    allocated_gb   = optional(number, 20) # initial size
    max_gb         = optional(number)     # limit of storage autoscaling; null: off
    kms_key_arn    = optional(string)     # null: the key of RDS; changing it replaces the database
    final_snapshot = optional(bool, true) # a deletion first takes the snapshot <name>-final
    keep_backups   = optional(bool, true) # a deletion keeps the daily backups until their retention ends

    performance = optional(object({              # more than the baseline of gp3; requires 400 GB or more; null: the baseline
      iops             = optional(number, 12000) # 12000 (the baseline) to 64000
      throughput_mib_s = optional(number, 500)   # MiB per second, 500 (the baseline) to 4000, at most a quarter of iops
    }))

    restore = optional(object({     # source of a new database, ignored once it exists; null: an empty database
      snapshot   = optional(string) # identifier or ARN of a snapshot; or:
      instance   = optional(string) # identifier of an existing instance; or:
      backup_arn = optional(string) # ARN of the backups of a deleted instance
      time       = optional(string) # with instance or backup_arn: yyyy-mm-ddThh:mm:ssZ; null: the latest possible
    }))
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.storage.allocated_gb >= 20 && var.storage.allocated_gb <= 65536 && floor(var.storage.allocated_gb) == var.storage.allocated_gb
    error_message = "storage.allocated_gb must be a whole number from 20 to 65536."
  }

  validation {
    condition     = var.storage.max_gb == null ? true : var.storage.max_gb >= ceil(var.storage.allocated_gb * 1.1) && var.storage.max_gb <= 65536 && floor(var.storage.max_gb) == var.storage.max_gb
    error_message = "storage.max_gb must be a whole number, at least 10 % more than allocated_gb and at most 65536, or null."
  }

  validation {
    condition     = var.storage.performance == null || var.storage.allocated_gb >= 400
    error_message = "storage.performance requires allocated_gb of 400 or more; below, RDS allows only the baseline of 3000 IOPS and 125 MiB per second."
  }

  validation {
    condition = var.storage.performance == null ? true : (
      var.storage.performance.iops >= 12000 && var.storage.performance.iops <= 64000 && floor(var.storage.performance.iops) == var.storage.performance.iops
    )
    error_message = "storage.performance.iops must be a whole number from 12000 to 64000."
  }

  validation {
    condition = var.storage.performance == null ? true : (
      var.storage.performance.throughput_mib_s >= 500 && var.storage.performance.throughput_mib_s <= min(4000, floor(var.storage.performance.iops / 4)) &&
      floor(var.storage.performance.throughput_mib_s) == var.storage.performance.throughput_mib_s
    )
    error_message = "storage.performance.throughput_mib_s must be a whole number from 500 to 4000, and at most a quarter of iops."
  }

  validation {
    condition     = var.storage.kms_key_arn == null ? true : can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[a-zA-Z0-9-]+$", var.storage.kms_key_arn))
    error_message = "storage.kms_key_arn must be the ARN of a key, arn:aws:kms:<region>:<account>:key/<id>, or null; RDS does not accept an alias here."
  }

  validation {
    condition = var.storage.restore == null ? true : 1 == length([
      for source in [var.storage.restore.snapshot, var.storage.restore.instance, var.storage.restore.backup_arn] : source if source != null
    ])
    error_message = "storage.restore requires exactly one of snapshot, instance and backup_arn."
  }

  validation {
    condition = try(var.storage.restore.time, null) == null ? true : (
      var.storage.restore.snapshot == null && endswith(var.storage.restore.time, "Z") && can(timeadd(var.storage.restore.time, "0s"))
    )
    error_message = "storage.restore.time must be a time in UTC such as 2026-06-15T08:30:00Z, and requires instance or backup_arn."
  }

  validation {
    condition = try(var.storage.restore.backup_arn, null) == null ? true : can(
      regex("^arn:aws[a-z-]*:rds:[a-z0-9-]+:[0-9]{12}:auto-backup:[A-Za-z0-9-]+$", var.storage.restore.backup_arn)
    )
    error_message = "storage.restore.backup_arn must be arn:aws:rds:<region>:<account>:auto-backup:<id>, as aws rds describe-db-instance-automated-backups prints it."
  }
}

variable "subnet_ids" {
  description = "Private subnets in two or more zones, also without a standby. Not needed with existing."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = var.existing != null || length(distinct(var.subnet_ids)) >= 2
    error_message = "subnet_ids must contain at least two distinct subnets in at least two zones, also without multi_az."
  }
}

locals {
  reserved_schemas = ["information_schema", "mysql", "performance_schema", "sys"]
  reserved_users   = ["rdsadmin", "rdsrepladmin"]
  retention_days = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
  ]
}
