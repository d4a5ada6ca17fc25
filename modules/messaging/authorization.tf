locals {
  # Groups by role; user names are free.
  groups = {
    admins    = "grading-admins"
    operators = "grading-operators"
    web       = "grading-web"
    workers   = "grading-workers"
  }
  all_groups = sort(concat(local.admins, [local.groups.operators, local.groups.web, local.groups.workers], local.own_groups))

  # Amazon MQ adds users with console access to this group in its web console.
  admins = concat([local.groups.admins], try(var.authorization.web_console, false) ? ["activemq-webconsole"] : [])

  own_entries = try(var.authorization.entries, {})
  own_groups = sort(setsubtract(
    flatten([for entry in values(local.own_entries) : concat(tolist(entry.admin), tolist(entry.read), tolist(entry.write))]),
    concat(values(local.groups), local.admins),
  ))
  requests = setintersection(var.queues, try(var.authorization.requests, []))
  results  = setintersection(var.queues, try(var.authorization.results, []))

  # Entries are additive: any entry that matches the queue grants the right. Browsing counts as reading.
  queue_rights = concat(
    [
      { queue = ">", read = concat(local.admins, [local.groups.operators]), write = local.admins, admin = local.admins },
      # Queries to the statistics plugin: workers count the other consumers, and the HTTP API tells who waits its position.
      {
        queue = "ActiveMQ.Statistics.>"
        read  = []
        write = [local.groups.operators, local.groups.web, local.groups.workers]
        admin = [local.groups.operators, local.groups.web, local.groups.workers]
      },
    ],
    # For a delayed retry the worker sends a copy of the message.
    [for queue in local.requests : { queue = queue, read = [local.groups.workers], write = [local.groups.web, local.groups.workers], admin = [] }],
    [for queue in local.results : { queue = queue, read = [local.groups.web], write = [local.groups.workers], admin = [] }],
    [for queue in local.dead_letter_queues : { queue = queue, read = [], write = [local.groups.workers], admin = [] }],
    [for queue, entry in local.own_entries : { queue = queue, read = entry.read, write = entry.write, admin = entry.admin }],
  )

  topic_rights = [
    { topic = ">", read = local.admins, write = local.admins, admin = local.admins },
    # Every client needs these to subscribe or to create a temporary queue, even without consuming advisories.
    { topic = "ActiveMQ.Advisory.>", read = local.all_groups, write = local.all_groups, admin = local.all_groups },
  ]

  rights = [
    for right in concat(local.queue_rights, local.topic_rights) : {
      for name, value in {
        admin = join(",", right.admin)
        queue = replace(try(right.queue, ""), ">", "&gt;")
        read  = join(",", right.read)
        topic = replace(try(right.topic, ""), ">", "&gt;")
        write = join(",", right.write)
      } : name => value if value != ""
    }
  ]
}
