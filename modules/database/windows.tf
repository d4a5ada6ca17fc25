locals {
  _weekdays = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

  _backup_words      = try(regex("^(\\d\\d):(\\d\\d)-(\\d\\d):(\\d\\d)$", var.engine.backup_window), null)
  _maintenance_words = try(regex("^(\\w{3}):(\\d\\d):(\\d\\d)-(\\w{3}):(\\d\\d):(\\d\\d)$", var.engine.maintenance_window), null)

  # minutes since midnight; the end may be on the next day
  _backup_minutes = local._backup_words == null ? null : [
    for at in [0, 2] : parseint(local._backup_words[at], 10) * 60 + parseint(local._backup_words[at + 1], 10)
  ]
  backup = local._backup_minutes == null ? null : {
    start  = local._backup_minutes[0]
    length = (local._backup_minutes[1] - local._backup_minutes[0] + 1440) % 1440
  }

  # minutes since Monday; the end may be in the next week
  _maintenance_minutes = local._maintenance_words == null ? null : [
    for at in [0, 3] : (
      index(local._weekdays, local._maintenance_words[at]) * 1440 +
      parseint(local._maintenance_words[at + 1], 10) * 60 + parseint(local._maintenance_words[at + 2], 10)
    )
  ]
  maintenance = local._maintenance_minutes == null ? null : {
    start  = local._maintenance_minutes[0]
    length = (local._maintenance_minutes[1] - local._maintenance_minutes[0] + 10080) % 10080
  }

  # backup windows of each day of the week and of the days before and after the week
  windows_overlap = local.backup == null || local.maintenance == null ? false : anytrue([
    for day in range(-1, 9) : (
      max(local.maintenance.start, day * 1440 + local.backup.start) <
      min(local.maintenance.start + local.maintenance.length, day * 1440 + local.backup.start + local.backup.length)
    )
  ])
}
