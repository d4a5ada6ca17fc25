resource "aws_db_subnet_group" "this" {
  name        = var.name
  description = "Private subnets of ${var.name}."
  subnet_ids  = var.subnet_ids
}

resource "aws_db_instance" "this" {
  # checkov:skip=CKV_AWS_157: a standby doubles the price; multi_az is for the environment to choose
  # checkov:skip=CKV_AWS_118: the basic metrics of RDS suffice for one row per submission
  # checkov:skip=CKV_AWS_161: the worker logs in with a password that it reads from SSM
  identifier     = var.name
  engine         = "mysql"
  engine_version = var.engine_version
  instance_class = var.instance_class
  db_name        = var.database_name
  port           = 3306

  username            = var.admin_username
  password_wo         = var.admin_password # write-only: sent to RDS, never kept in the state
  password_wo_version = var.admin_password_version

  allocated_storage = var.allocated_storage_gb
  storage_type      = "gp3"
  storage_encrypted = true

  db_subnet_group_name   = aws_db_subnet_group.this.name
  vpc_security_group_ids = var.security_group_ids
  publicly_accessible    = false
  multi_az               = var.multi_az

  backup_retention_period    = var.backup_retention_days
  copy_tags_to_snapshot      = true
  auto_minor_version_upgrade = true
  apply_immediately          = true

  enabled_cloudwatch_logs_exports = ["error"]

  deletion_protection       = var.enable_protection
  skip_final_snapshot       = !var.enable_protection
  final_snapshot_identifier = var.enable_protection ? "${var.name}-final" : null
}
