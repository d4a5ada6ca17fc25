# Variables of all parts; each part also has its file variables-<part>.tf.

variable "aws_account_id" {
  description = "ID of the only account that Terraform may change; null allows any."
  type        = string
  default     = null

  validation {
    condition     = var.aws_account_id == null ? true : can(regex("^[0-9]{12}$", var.aws_account_id))
    error_message = "aws_account_id must be 12 digits, in quotes."
  }
}

variable "aws_region" {
  description = "AWS region of all resources."
  type        = string
  default     = "ap-northeast-2"

  validation {
    condition     = contains(local.aws_regions, var.aws_region)
    error_message = "aws_region must be a region of AWS's commercial partition: ${join(", ", local.aws_regions)}."
  }
}

variable "emulated" {
  description = "Use an emulated AWS API at AWS_ENDPOINT_URL."
  type        = bool
  default     = false
}

variable "enable_data_protection" {
  description = "Prevent deletion of the database, the load balancer and non-empty buckets."
  type        = bool
  default     = true
}

variable "environment_name" {
  description = "Name of the environment, prefix of all resource names."
  type        = string
  default     = "production"

  validation {
    condition     = can(regex("^[a-z](-?[a-z0-9])*$", var.environment_name)) && length(var.environment_name) <= 24
    error_message = "environment_name must have 1 to 24 characters of a-z, 0-9 and single -, start with a letter and not end with -."
  }

  validation {
    condition     = !can(regex("^(aws|ssm)", var.environment_name))
    error_message = "environment_name must not start with aws or ssm, which Parameter Store reserves."
  }

  validation {
    condition     = var.use_fargate || !can(regex("^(ecs|fargate)", var.environment_name))
    error_message = "environment_name must not start with ecs or fargate when use_fargate is false: ECS reserves such names of capacity providers."
  }

  validation {
    condition     = !(var.enable_web_tier || var.enable_api) || (length(var.environment_name) <= 20 && !startswith(var.environment_name, "internal-"))
    error_message = "environment_name must have at most 20 characters and not start with internal- when enable_web_tier or enable_api is true; a load balancer's name has at most 32 characters, 12 of which are -grading-web."
  }
}

variable "kms_key_arn" {
  description = "ARN of a KMS key for the bucket, messages, database, secrets, disks and all log groups that Terraform creates; environments/README.md has the few things with other keys, and the policy that the key needs. Null uses keys of AWS. Changing it replaces the broker and the database."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null ? true : can(regex("^arn:aws:kms:${var.aws_region}:[0-9]{12}:key/[A-Za-z0-9-]+$", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a key in aws_region, arn:aws:kms:${var.aws_region}:<account>:key/<id>, or null; policies cannot reference an alias."
  }
}

variable "log_retention_days" {
  description = "Retention of the logs of workers, web tier and database in days."
  type        = number
  default     = 30

  validation {
    condition     = contains(local.log_retention_days, var.log_retention_days)
    error_message = "log_retention_days must be one of ${join(", ", local.log_retention_days)}."
  }
}

variable "tags" {
  description = "Additional tags of all resources; Environment, ManagedBy and Project are already set."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = length(var.tags) <= 40
    error_message = "tags must have at most 40 entries: AWS allows 50 per resource, and 10 are reserved for this root and AWS services."
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
    error_message = "tags must not start with aws: or gradectl:, and must not be ${join(", ", keys(local.own_tags))} or Name, which are already set."
  }
}
