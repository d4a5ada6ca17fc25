variable "admin_password" {
  description = "Password of the administrator; goes to RDS and into no state or plan."
  type        = string
  ephemeral   = true
  sensitive   = true

  validation {
    condition     = can(regex("^[!#-.0-?A-~]{8,41}$", var.admin_password)) # no slash, double quote, at sign or space
    error_message = "admin_password must have 8 to 41 printable ASCII characters without slash, double quote, at sign and space."
  }
}

variable "admin_password_version" {
  description = "Raise it by one to make RDS take a new admin_password."
  type        = number
  default     = 1
}

variable "admin_username" {
  description = "Name of the administrator; a later change replaces the database."
  type        = string
  default     = "grader"

  validation {
    condition     = can(regex("^[a-z][a-z0-9_]{0,31}$", var.admin_username))
    error_message = "admin_username must have 1 to 32 characters of a-z, 0-9 and _, the first a letter."
  }
}

variable "allocated_storage_gb" {
  description = "Size of the disk in GB."
  type        = number
  default     = 20

  validation {
    condition     = var.allocated_storage_gb >= 20 && var.allocated_storage_gb <= 65536
    error_message = "allocated_storage_gb must be from 20 to 65536."
  }
}

variable "backup_retention_days" {
  description = "Days for which daily backups are kept; 0 makes none."
  type        = number
  default     = 7

  validation {
    condition     = var.backup_retention_days >= 0 && var.backup_retention_days <= 35
    error_message = "backup_retention_days must be from 0 to 35."
  }
}

variable "database_name" {
  description = "Schema that is made with the instance."
  type        = string
  default     = "grading"

  validation {
    condition     = can(regex("^[a-z][a-z0-9_]{0,63}$", var.database_name))
    error_message = "database_name must have 1 to 64 characters of a-z, 0-9 and _, the first a letter."
  }
}

variable "enable_protection" {
  description = "Refuse to delete the database, and take a last snapshot when it is deleted all the same."
  type        = bool
  default     = true
}

variable "engine_version" {
  description = "MySQL version as major.minor; RDS chooses the patch."
  type        = string
  default     = "8.4"

  validation {
    condition     = contains(["8.0", "8.4"], var.engine_version)
    error_message = "engine_version must be 8.0 or 8.4."
  }
}

variable "instance_class" {
  description = "Size of the instance."
  type        = string
  default     = "db.t4g.micro"

  validation {
    condition     = startswith(var.instance_class, "db.")
    error_message = "instance_class must be an RDS class such as db.t4g.micro."
  }
}

variable "multi_az" {
  description = "Keep a standby in a second zone."
  type        = bool
  default     = false
}

variable "name" {
  description = "Identifier of the instance and name of its subnet group."
  type        = string

  validation {
    condition     = can(regex("^[a-z](-?[a-z0-9]){0,62}$", var.name))
    error_message = "name must have 1 to 63 characters of a-z, 0-9 and single -, the first a letter, the last not a -."
  }
}

variable "security_group_ids" {
  description = "Security groups of the database."
  type        = list(string)

  validation {
    condition     = length(var.security_group_ids) > 0
    error_message = "security_group_ids needs at least one group."
  }
}

variable "subnet_ids" {
  description = "Private subnets in two or more zones."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "subnet_ids needs subnets in at least two zones."
  }
}
