# Users of the database: administrator, workers and API.

variable "db_admin_password" {
  description = "Password of the database administrator; generated when absent."
  type        = string
  default     = null
  ephemeral   = true
  sensitive   = true

  validation {
    condition     = var.db_existing == null || var.db_admin_password != null
    error_message = "db_admin_password is required with db_existing: it is the password of the existing database's user db_admin_username."
  }
}

variable "db_admin_password_version" {
  description = "Increase by one to apply a new db_admin_password."
  type        = number
  default     = 1
}

variable "db_admin_username" {
  description = "User name of the database administrator; changing it replaces the database. With db_existing, the user of the workers."
  type        = string
  default     = "grader"
}

variable "db_application_password" {
  description = "Password of the application user of the database; generated when absent."
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
  description = "Increase by one to apply a new db_application_password."
  type        = number
  default     = 1
}

variable "db_application_username" {
  description = "Application user of the database, created by `grader database-user` with the rights of a worker."
  type        = string
  default     = "grader_app"
}

variable "db_web_password" {
  description = "Password of db_web_username; generated when absent."
  type        = string
  default     = null
  ephemeral   = true
  sensitive   = true

  validation {
    condition     = var.db_web_password == null ? true : can(regex("^[!#-&(-\\[\\]-_a-~]{8,128}$", var.db_web_password))
    error_message = "db_web_password must have 8 to 128 printable ASCII characters without space, quotes, backtick and backslash."
  }
}

variable "db_web_password_version" {
  description = "Increase by one to apply a new db_web_password."
  type        = number
  default     = 1
}

variable "db_web_username" {
  description = "Database user with which the API reads, created by `gradectl db migrate`. Environments that share a server by db_existing need different ones."
  type        = string
  default     = "grading_web"

  validation {
    condition     = can(regex("^[a-z][a-z0-9_]{0,31}$", var.db_web_username))
    error_message = "db_web_username must have 1 to 32 characters of a-z, 0-9 and _ and start with a letter."
  }

  validation {
    condition     = !contains([var.db_admin_username, var.db_application_username], var.db_web_username)
    error_message = "db_web_username must differ from db_admin_username and db_application_username, which may write: the API only reads."
  }
}

variable "enable_db_application_user" {
  description = "Let workers log in as the application user instead of the administrator; create it first with `grader database-user`."
  type        = bool
  default     = false

  validation {
    condition     = !var.enable_db_application_user || var.db_application_username != var.db_admin_username
    error_message = "enable_db_application_user requires a db_application_username other than db_admin_username, which has more rights than a worker needs."
  }
}
