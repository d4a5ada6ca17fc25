variable "environment_name" {
  description = "Environment, the first part of each parameter name."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,31}$", var.environment_name)) && !can(regex("^(aws|ssm)", var.environment_name))
    error_message = "environment_name must have 1 to 32 characters of a-z, 0-9 and -, start with a letter, and not start with aws or ssm, which Parameter Store reserves."
  }
}

variable "kms_key_arn" {
  description = "ARN of the KMS key of the SecureStrings; null for the account's SSM key."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null ? true : can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[0-9a-zA-Z-]+$", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a key, arn:aws:kms:<region>:<account>:key/<id>, not an alias, which policies cannot reference."
  }
}

variable "part" {
  description = "Part of the system, the second part of each parameter name."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,31}$", var.part))
    error_message = "part must have 1 to 32 characters of a-z, 0-9 and -, and start with a letter."
  }
}

variable "readers" {
  description = "Keys (plain or secret) by reader; each reader gets a policy in reader_policies."
  type        = map(set(string))
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for reader in keys(var.readers) : can(regex("^[a-z][a-z0-9-]{0,31}$", reader))])
    error_message = "readers must have names of 1 to 32 characters of a-z, 0-9 and -, starting with a letter."
  }

  validation {
    condition = alltrue([
      for reader, keys in var.readers : length(keys) > 0 &&
      length(setsubtract(keys, concat(keys(var.values), keys(var.secret_versions)))) == 0
    ])
    error_message = "readers must each list one or more keys of values and secret_versions: ${join(", ", sort(concat(keys(var.values), keys(var.secret_versions))))}."
  }
}

variable "secret_values" {
  description = "Secret of each key of secret_versions; write-only, not stored in state or plan."
  type        = map(string)
  default     = {}
  nullable    = false
  ephemeral   = true
  sensitive   = true

  validation {
    condition     = length(setsubtract(keys(var.secret_versions), keys(var.secret_values))) == 0
    error_message = "secret_values must contain a secret for each key of secret_versions."
  }

  validation {
    condition = alltrue([
      for secret in values(var.secret_values) : try(length(secret) > 0, false) &&
      try(length(base64encode(secret)) * 3 / 4 - length(regexall("=", base64encode(secret))) <= local.max_bytes, true)
    ])
    error_message = "secret_values must have 1 to ${local.max_bytes} bytes with tier = \"${var.tier}\"."
  }
}

variable "secret_versions" {
  description = "Version of each SecureString by key; a higher version writes the secret again."
  type        = map(number)
  default     = {}
  nullable    = false

  validation {
    condition = alltrue([
      for key, version in var.secret_versions :
      can(regex("^[a-z][a-z0-9-]{0,63}$", key)) && version >= 1 && version <= 999999 && floor(version) == version
    ])
    error_message = "secret_versions must have keys of 1 to 64 characters of a-z, 0-9 and -, starting with a letter, and whole versions from 1 to 999999."
  }
}

variable "tier" {
  description = "Standard (free, values up to 4096 bytes) or Advanced (up to 8192 bytes); changing back to Standard replaces the parameters."
  type        = string
  default     = "Standard"

  validation {
    condition     = contains(["Advanced", "Standard"], var.tier)
    error_message = "tier must be Standard or Advanced."
  }
}

variable "values" {
  description = "Value of each plain parameter by key."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for key in keys(var.values) : can(regex("^[a-z][a-z0-9-]{0,63}$", key))])
    error_message = "values must have keys of 1 to 64 characters of a-z, 0-9 and -, starting with a letter."
  }

  validation {
    condition     = length(setintersection(keys(var.secret_versions), keys(var.values))) == 0
    error_message = "secret_versions and values must not have a key in common."
  }

  validation {
    condition     = length(var.values) + length(var.secret_versions) <= 30
    error_message = "values and secret_versions must have at most 30 keys together: IAM limits the size of the policy that lists them."
  }

  validation {
    condition = alltrue([
      for value in values(var.values) :
      value == null ? false : length(value) > 0 &&
      length(base64encode(value)) * 3 / 4 - length(regexall("=", base64encode(value))) <= local.max_bytes
    ])
    error_message = "values must have 1 to ${local.max_bytes} bytes with tier = \"${var.tier}\"."
  }

  validation {
    condition     = alltrue([for value in values(var.values) : value == null ? true : !strcontains(value, "{{")])
    error_message = "values must not contain {{, which SSM treats as a reference to another parameter."
  }
}
