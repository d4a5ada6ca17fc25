locals {
  # gradectl always passes the passwords. With plain Terraform they are optional: absent ones are generated
  # once, because Terraform sends a write-only value only when its version changes.
  db_admin_password = coalesce(var.db_admin_password, uuid())
}

module "database" {
  source = "../modules/database"

  name              = local.name
  existing          = var.db_existing
  instance_class    = var.db_instance_class
  multi_az          = var.db_multi_az
  enable_protection = var.enable_data_protection

  engine = {
    version            = var.db_engine_version
    apply_immediately  = var.db_apply_immediately
    auto_minor_upgrade = var.db_enable_auto_minor_upgrade
    backup_window      = var.db_backup_window
    maintenance_window = var.db_maintenance_window
    parameters         = var.db_parameters
  }
  storage = {
    allocated_gb = var.db_allocated_storage_gb
    max_gb       = var.db_max_allocated_storage_gb
    kms_key_arn  = var.kms_key_arn
    performance  = var.db_storage_performance

    final_snapshot = var.db_enable_final_snapshot
    keep_backups   = var.db_keep_backups
    restore        = var.db_restore
  }
  application = {
    database_name      = var.db_existing == null ? "grading" : var.db_existing.database_name
    iam_authentication = var.db_enable_iam_authentication
    username           = var.db_application_username
  }
  monitoring = {
    performance_insights_days = var.db_performance_insights_days
    enhanced_interval_seconds = var.db_enhanced_monitoring_seconds
    slow_query_seconds        = var.db_slow_query_seconds
    log_retention_days        = var.log_retention_days
    kms_key_arn               = var.kms_key_arn
  }

  backup_retention_days = coalesce(var.db_backup_retention_days, 7)

  admin_username         = var.db_admin_username
  admin_password         = local.db_admin_password
  admin_password_version = module.db_parameters.secret_versions["password"] # stored in SSM before RDS uses it

  subnet_ids         = module.network.private_subnet_ids
  security_group_ids = var.db_existing == null ? [module.network.security_group_ids.database] : []
}

# Permissions of `grader database-user`, which creates the users of workers and API: read all logins.
resource "aws_iam_role" "database_user" {
  name = "${local.name}-database-user"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ecs-tasks.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id } }
    }]
  })
}

resource "aws_iam_role_policy" "database_user" {
  for_each = merge(
    {
      db-app-parameters = module.db_app_parameters.reader_policy_json
      db-parameters     = module.db_parameters.reader_policy_json
    },
    { for index, parameters in module.db_web_parameters : "db-web-parameters" => parameters.reader_policy_json },
  )

  name   = each.key
  role   = aws_iam_role.database_user.id
  policy = each.value
}
