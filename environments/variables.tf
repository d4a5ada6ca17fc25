# What concerns everything; each part has a file variables-<part>.tf of its own.

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

variable "emulated" {
  description = "The AWS API is an emulator reached by AWS_ENDPOINT_URL."
  type        = bool
  default     = false
}

variable "enable_data_protection" {
  description = "Keep backups, and refuse to delete the database, the load balancer or a bucket that is not empty."
  type        = bool
  default     = true
}

variable "environment_name" {
  description = "Environment; first word of every name."
  type        = string
  default     = "production"

  validation {
    condition     = can(regex("^[a-z](-?[a-z0-9])*$", var.environment_name)) && length(var.environment_name) <= 24
    error_message = "environment_name must have 1 to 24 characters of a-z, 0-9 and single -, the first a letter, the last not a -."
  }

  validation {
    condition     = !can(regex("^(aws|ssm)", var.environment_name))
    error_message = "environment_name must not begin with aws or ssm, which Parameter Store keeps for itself."
  }

  validation {
    condition     = var.use_fargate || !can(regex("^(ecs|fargate)", var.environment_name))
    error_message = "environment_name must not begin with ecs or fargate when use_fargate is false: ECS keeps such names of capacity providers for itself."
  }

  validation {
    condition     = !var.enable_web_tier || (length(var.environment_name) <= 20 && !startswith(var.environment_name, "internal-"))
    error_message = "environment_name must have at most 20 characters and not begin with internal- when enable_web_tier is true: a load balancer's name has at most 32, of which -grading-web are 12."
  }
}

variable "kms_key_arn" {
  description = "KMS key of yours for the bucket, messages, database, secrets, disks and logs; its policy must let these services use it, CloudWatch Logs and, for instances, AWSServiceRoleForAutoScaling included. Null for the keys of AWS. A later change replaces the broker and the database."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null ? true : can(regex("^arn:aws:kms:${var.aws_region}:[0-9]{12}:key/[A-Za-z0-9-]+$", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a key in the region of everything, arn:aws:kms:${var.aws_region}:<account>:key/<id>, or null; an alias cannot be named in a policy."
  }
}

variable "log_retention_days" {
  description = "Days for which CloudWatch keeps the logs of workers, web tier and database."
  type        = number
  default     = 30

  validation {
    condition     = contains(local.log_retention_days, var.log_retention_days)
    error_message = "log_retention_days must be one of ${join(", ", local.log_retention_days)}."
  }
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
