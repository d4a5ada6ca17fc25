locals {
  look_at_database = "Next: gradectl smoke ${local.environment}; docs/runbook.md, The database is short of something."

  _database = {
    database_connections = {
      metric    = "DatabaseConnections", label = "connections-high", comparison = "GreaterThanThreshold"
      threshold = var.thresholds.database_connections
      what      = "has more than ${var.thresholds.database_connections} connections"
    }
    database_cpu = {
      metric    = "CPUUtilization", label = "cpu-high", comparison = "GreaterThanThreshold"
      threshold = var.thresholds.database_cpu_percent
      what      = "uses more than ${var.thresholds.database_cpu_percent} percent of its CPU"
    }
    database_storage = {
      metric    = "FreeStorageSpace", label = "storage-low", comparison = "LessThanThreshold"
      threshold = var.thresholds.database_free_gb * 1024 * 1024 * 1024 # the metric is in bytes
      what      = "has less than ${var.thresholds.database_free_gb} GiB of storage left"
    }
  }

  database_alarms = { for kind, part in local._database : kind => {
    kind        = kind
    name        = "${local.prefix}-database-${part.label}"
    description = "The database ${coalesce(var.database_identifier, "-")} ${part.what}. ${local.look_at_database}"
    metrics = { value = {
      namespace   = "AWS/RDS"
      metric_name = part.metric
      dimensions  = { DBInstanceIdentifier = var.database_identifier }
    } }
    expression = null
    statistic  = "Average"
    comparison = part.comparison
    threshold  = part.threshold
    period     = 300
    periods    = 3
  } if var.database_identifier != null }
}
