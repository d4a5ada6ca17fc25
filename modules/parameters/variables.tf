variable "environment_name" {
  description = "Environment, the first word of each name."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,31}$", var.environment_name))
    error_message = "environment_name must have 1 to 32 characters of a-z, 0-9 and -, the first a letter."
  }
}

variable "part" {
  description = "Part of the system that the parameters speak of, the second word of each name."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,31}$", var.part))
    error_message = "part must have 1 to 32 characters of a-z, 0-9 and -, the first a letter."
  }
}

variable "secret_values" {
  description = "Secret of each key of secret_versions; goes to SSM and into no state or plan."
  type        = map(string)
  default     = {}
  ephemeral   = true
  sensitive   = true
}

variable "secret_versions" {
  description = "Key to version of each SecureString; a higher version writes the secret again."
  type        = map(number)
  default     = {}

  validation {
    condition     = alltrue([for key, version in var.secret_versions : can(regex("^[a-z][a-z0-9-]{0,63}$", key)) && version >= 1])
    error_message = "secret_versions needs keys of a-z, 0-9 and -, the first a letter, and versions from 1."
  }
}

variable "values" {
  description = "Key to value of each plain parameter."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for key in keys(var.values) : can(regex("^[a-z][a-z0-9-]{0,63}$", key))])
    error_message = "values needs keys of a-z, 0-9 and -, the first a letter."
  }

  validation {
    condition     = length(setintersection(keys(var.secret_versions), keys(var.values))) == 0
    error_message = "secret_versions and values must not have a key in common."
  }
}
