variable "environment_name" {
  description = "Environment, the first word of each name."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,31}$", var.environment_name)) && !can(regex("^(aws|ssm)", var.environment_name))
    error_message = "environment_name must have 1 to 32 characters of a-z, 0-9 and -, the first a letter, and must not begin with aws or ssm, which Parameter Store keeps for itself."
  }
}

variable "kms_key_arn" {
  description = "Key of yours that encrypts the SecureStrings; null for the key of SSM in the account."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null ? true : can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[0-9a-zA-Z-]+$", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a key, arn:aws:kms:<region>:<account>:key/<id>, and no alias: policies need the key itself."
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

variable "readers" {
  description = "Keys that each reader may read, plain or secret; each gets a policy of its own in reader_policies."
  type        = map(set(string))
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for reader in keys(var.readers) : can(regex("^[a-z][a-z0-9-]{0,31}$", reader))])
    error_message = "readers must have names of 1 to 32 characters of a-z, 0-9 and -, the first a letter."
  }

  validation {
    condition = alltrue([
      for reader, keys in var.readers : length(keys) > 0 &&
      length(setsubtract(keys, concat(keys(var.values), keys(var.secret_versions)))) == 0
    ])
    error_message = "readers must each read one or more keys of values and secret_versions: ${join(", ", sort(concat(keys(var.values), keys(var.secret_versions))))}."
  }
}

variable "secret_values" {
  description = "Secret of each key of secret_versions; goes to SSM and into no state or plan."
  type        = map(string)
  default     = {}
  nullable    = false
  ephemeral   = true
  sensitive   = true

  validation {
    condition     = length(setsubtract(keys(var.secret_versions), keys(var.secret_values))) == 0
    error_message = "secret_values needs a secret for each key of secret_versions."
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
  description = "Key to version of each SecureString; a higher version writes the secret again."
  type        = map(number)
  default     = {}
  nullable    = false

  validation {
    condition = alltrue([
      for key, version in var.secret_versions :
      can(regex("^[a-z][a-z0-9-]{0,63}$", key)) && version >= 1 && version <= 999999 && floor(version) == version
    ])
    error_message = "secret_versions needs keys of 1 to 64 characters of a-z, 0-9 and -, the first a letter, and whole versions from 1 to 999999."
  }
}

variable "tier" {
  description = "Standard, for values up to 4096 bytes and free of charge, or Advanced, for 8192 bytes; a later change back to Standard makes them anew."
  type        = string
  default     = "Standard"

  validation {
    condition     = contains(["Advanced", "Standard"], var.tier)
    error_message = "tier must be Standard or Advanced."
  }
}

variable "values" {
  description = "Key to value of each plain parameter."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for key in keys(var.values) : can(regex("^[a-z][a-z0-9-]{0,63}$", key))])
    error_message = "values needs keys of 1 to 64 characters of a-z, 0-9 and -, the first a letter."
  }

  validation {
    condition     = length(setintersection(keys(var.secret_versions), keys(var.values))) == 0
    error_message = "secret_versions and values must not have a key in common."
  }

  validation {
    condition     = length(var.values) + length(var.secret_versions) <= 30
    error_message = "values and secret_versions may have 30 keys together: the policy that names each would be too long for IAM."
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
    error_message = "values must not contain {{, which SSM takes for a reference to another parameter."
  }
}
