locals {
  made = var.existing == null ? 1 : 0

  # RDS does not support Performance Insights for MySQL on these classes.
  performance_insights_days = can(regex("\\.(micro|small)$", var.instance_class)) ? 0 : var.monitoring.performance_insights_days
}

resource "aws_db_subnet_group" "this" {
  count = local.made

  name        = var.name
  description = "Private subnets of ${var.name}."
  subnet_ids  = var.subnet_ids
}

resource "aws_db_instance" "this" {
  # checkov:skip=CKV_AWS_157: a standby doubles the price; multi_az enables it per environment
  # checkov:skip=CKV_AWS_118: basic RDS metrics suffice for one row per submission; monitoring.enhanced_interval_seconds enables more
  # checkov:skip=CKV_AWS_161: the worker logs in with a password from SSM; application.iam_authentication enables IAM
  # checkov:skip=CKV2_AWS_69: the parameter group sets require_secure_transport; checkov does not read it there
  # checkov:skip=CKV_AWS_353: enabled on all classes that support Performance Insights
  count = local.made

  identifier     = var.name
  engine         = "mysql"
  engine_version = var.engine.version
  instance_class = var.instance_class
  db_name        = var.storage.restore == null ? var.application.database_name : null # a restored database has its schemas
  port           = 3306

  username            = var.admin_username
  password_wo         = var.admin_password # write-only: sent to RDS, not stored in the state
  password_wo_version = var.admin_password_version

  allocated_storage     = var.storage.allocated_gb
  max_allocated_storage = var.storage.max_gb
  storage_type          = "gp3"
  iops                  = try(var.storage.performance.iops, null)
  storage_throughput    = try(var.storage.performance.throughput_mib_s, null)
  storage_encrypted     = true
  kms_key_id            = var.storage.kms_key_arn

  db_subnet_group_name   = aws_db_subnet_group.this[0].name
  vpc_security_group_ids = var.security_group_ids
  publicly_accessible    = false
  ca_cert_identifier     = var.engine.ca_certificate
  multi_az               = var.multi_az

  iam_database_authentication_enabled = var.application.iam_authentication

  parameter_group_name        = aws_db_parameter_group.this[0].name
  allow_major_version_upgrade = var.engine.allow_major_upgrade
  auto_minor_version_upgrade  = var.engine.auto_minor_upgrade
  apply_immediately           = var.engine.apply_immediately
  maintenance_window          = var.engine.maintenance_window

  backup_retention_period  = var.backup_retention_days
  backup_window            = var.engine.backup_window
  copy_tags_to_snapshot    = true
  delete_automated_backups = !var.storage.keep_backups

  enabled_cloudwatch_logs_exports       = keys(aws_cloudwatch_log_group.this)
  monitoring_interval                   = coalesce(var.monitoring.enhanced_interval_seconds, 0)
  monitoring_role_arn                   = one(aws_iam_role.monitoring[*].arn)
  performance_insights_enabled          = local.performance_insights_days > 0
  performance_insights_kms_key_id       = local.performance_insights_days > 0 ? var.monitoring.kms_key_arn : null
  performance_insights_retention_period = local.performance_insights_days > 0 ? local.performance_insights_days : null

  deletion_protection       = var.enable_protection
  skip_final_snapshot       = !var.storage.final_snapshot
  final_snapshot_identifier = var.storage.final_snapshot ? "${var.name}-final" : null

  snapshot_identifier = try(var.storage.restore.snapshot, null)

  dynamic "restore_to_point_in_time" {
    for_each = [for each in var.storage.restore[*] : each if each.snapshot == null]

    content {
      source_db_instance_identifier            = restore_to_point_in_time.value.instance
      source_db_instance_automated_backups_arn = restore_to_point_in_time.value.backup_arn
      restore_time                             = restore_to_point_in_time.value.time
      use_latest_restorable_time               = restore_to_point_in_time.value.time == null ? true : null
    }
  }

  lifecycle {
    # They matter only at creation; without this, removing the source would replace the database, also because db_name is
    # null with it.
    ignore_changes = [db_name, restore_to_point_in_time, snapshot_identifier]

    precondition {
      condition     = local.backup == null ? true : local.backup.length >= 30
      error_message = "engine.backup_window must last at least 30 minutes."
    }

    precondition {
      condition     = local.maintenance == null ? true : local.maintenance.length >= 30 && local.maintenance.length <= 1440
      error_message = "engine.maintenance_window must last from 30 minutes to 24 hours."
    }

    precondition {
      condition     = !local.windows_overlap
      error_message = "engine.maintenance_window must not overlap the daily engine.backup_window."
    }
  }

  # RDS checks the permissions of the monitoring role at creation.
  depends_on = [aws_iam_role_policy.monitoring]
}
