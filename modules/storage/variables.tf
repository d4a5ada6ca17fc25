variable "bucket_name" {
  description = "Name of the bucket; unique in all of AWS."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.bucket_name))
    error_message = "bucket_name must have 3 to 63 characters of a-z, 0-9 and -, with a letter or digit at both ends."
  }
}

variable "enable_versioning" {
  description = "Keep old versions of overwritten and deleted objects."
  type        = bool
  default     = true
}

variable "force_destroy" {
  description = "Delete the bucket even when objects are in it."
  type        = bool
  default     = false
}

variable "lifecycle_days" {
  description = "Age in days at which submissions and results are archived (null: never) and deleted, and old versions deleted; null keeps them for ever. temp/ is always emptied after a day."
  type = object({
    archive    = optional(number)
    expiration = optional(number, 90)
    noncurrent = optional(number, 30)
  })
  default = {}

  validation {
    condition = var.lifecycle_days == null ? true : alltrue([
      for days in [var.lifecycle_days.expiration, var.lifecycle_days.noncurrent] : days >= 1 && floor(days) == days
    ])
    error_message = "lifecycle_days.expiration and noncurrent must be whole days, at least 1."
  }

  validation {
    condition = try(var.lifecycle_days.archive, null) == null ? true : (
      30 <= var.lifecycle_days.archive && var.lifecycle_days.archive < var.lifecycle_days.expiration
    )
    error_message = "lifecycle_days.archive must be at least 30 (S3's rule for STANDARD_IA) and less than expiration, or null."
  }
}
