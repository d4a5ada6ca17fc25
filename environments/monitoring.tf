module "monitoring" {
  source = "../modules/monitoring"

  environment_name      = var.environment_name
  queue_size_alarm_name = var.alarm_queue_size_name
  queues                = { for purpose, name in local.queues : purpose => name if purpose != "results" }

  broker = one([for broker in module.messaging : {
    engine_type   = broker.engine_type
    instance_type = broker.instance_type
    node_names    = broker.node_names
  }])
  sqs_queue_names = one(module.sqs[*].names)
  service = {
    cluster_name       = module.ecs_grading.cluster_name
    container_insights = var.enable_ecs_autoscaling # reports the running tasks
    log_kms_key_arn    = var.kms_key_arn
    service_name       = module.ecs_grading.service_name
    min_tasks          = module.ecs_grading.min_tasks
  }
  api = one([for web in module.web : {
    load_balancer = web.load_balancer_arn_suffix
    target_group  = web.target_group_arn_suffix
  } if var.enable_api])
  database_identifier = module.database.identifier

  thresholds        = var.alarm_thresholds
  disabled_alarms   = var.alarm_disabled_kinds
  alarm_action_arns = var.alarm_action_arns
  # CloudWatch may not be allowed to use kms_key_arn, so the topic has its own key
  topic = var.alarm_topic
}
