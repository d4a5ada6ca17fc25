module "storage" {
  source = "../modules/storage"

  bucket_name       = coalesce(var.s3_bucket_name, "${var.environment_name}-grading-files")
  enable_functions  = var.enable_functions
  enable_versioning = var.enable_s3_versioning
  force_destroy     = !var.enable_data_protection
  kms_key_arn       = var.kms_key_arn

  lifecycle_days = var.enable_s3_lifecycle ? {
    # S3 bills at least 30 days of STANDARD_IA, so the default archives only if at least 30 days remain.
    archive    = var.s3_lifecycle_archive_days != null ? var.s3_lifecycle_archive_days : var.s3_lifecycle_expiration_days >= 60 ? 30 : null
    expiration = var.s3_lifecycle_expiration_days
    noncurrent = var.s3_lifecycle_noncurrent_days
  } : null
  lifecycle_rules = var.s3_lifecycle_rules

  access_logs   = var.s3_access_logs
  cors          = local.s3_cors
  notifications = var.s3_notifications
  object_lock   = var.s3_object_lock
  replication   = one([for each in var.s3_replication[*] : merge(each, { role_name = "${local.name}-replication" })])
}

locals {
  # The page of the API uploads large programs from the browser to the bucket.
  s3_cors = var.s3_cors != null || !var.enable_api || var.web_domain_name == null ? var.s3_cors : {
    origins         = ["https://${var.web_domain_name}"]
    methods         = ["PUT"]
    headers         = ["content-type", "if-none-match"]
    max_age_seconds = 3600
  }
}
