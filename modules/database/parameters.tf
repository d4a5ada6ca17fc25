locals {
  # Parameters that the module guarantees. All are dynamic: RDS applies changes without a restart.
  _own_parameters = {
    character_set_server     = "utf8mb4"
    collation_server         = "utf8mb4_0900_ai_ci"
    log_output               = "FILE" # only files are exported to CloudWatch
    long_query_time          = tostring(var.monitoring.slow_query_seconds)
    require_secure_transport = "1"
    slow_query_log           = "1"
  }
  own_parameters = [
    "character_set_server", "collation_server", "log_output", "long_query_time", "require_secure_transport", "slow_query_log",
  ]
}

resource "aws_db_parameter_group" "this" {
  count = local.made

  name        = "${var.name}-mysql${replace(var.engine.version, ".", "")}"
  description = "UTF-8, TLS only and slow queries logged, for ${var.name}."
  family      = "mysql${var.engine.version}"

  dynamic "parameter" {
    for_each = local._own_parameters

    content {
      name         = parameter.key
      value        = parameter.value
      apply_method = "immediate"
    }
  }

  dynamic "parameter" {
    for_each = var.engine.parameters

    content {
      name         = parameter.key
      value        = parameter.value.value
      apply_method = parameter.value.apply_method
    }
  }

  lifecycle {
    create_before_destroy = true # a new major version needs its group before the old group is released
  }
}
