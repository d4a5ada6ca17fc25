module "sqs" {
  source = "../modules/sqs"
  count  = local.uses_sqs ? 1 : 0

  name                  = local.name
  existing              = var.sqs_existing
  bucket_arn            = module.storage.bucket_arn
  enable_priority_queue = var.sqs_settings.enable_priority_queue
  kms_key_arn           = var.sqs_existing == null ? var.kms_key_arn : null
  max_receive_count     = var.sqs_settings.max_receive_count
  retention_days = {
    dead_letters = var.sqs_settings.retention_days
    requests     = var.sqs_settings.retention_days
    results      = var.sqs_settings.result_retention_days
  }
  visibility_seconds = var.sqs_settings.visibility_seconds
  wait_seconds       = var.sqs_settings.wait_seconds
}

locals {
  sqs_names = length(module.sqs) > 0 ? module.sqs[0].names : {}

  # Environment of the programs of a role.
  _sqs_environment = merge([for queues in module.sqs : {
    SQS_PRIORITY_QUEUE_URL = lookup(queues.urls, "priority", "") # empty: no such queue
    SQS_QUEUE_URL          = queues.urls["requests"]
    SQS_RESULT_QUEUE_URL   = queues.urls["results"]
    USE_SQS_QUEUE          = tostring(var.use_sqs_queue)
  }]...)
  sqs_environments = {
    api = merge([for queues in module.sqs : { SQS_DLQ_URL = queues.urls["dead_letter"] }]...)
    web = local._sqs_environment
    worker = merge(local._sqs_environment, var.drain_other_transport ? { DRAIN_OTHER_TRANSPORT = "true" } : {}, [for queues in module.sqs : {
      SQS_DLQ_URL            = queues.urls["dead_letter"]
      SQS_VISIBILITY_SECONDS = tostring(queues.visibility_seconds)
      SQS_WAIT_SECONDS       = tostring(queues.wait_seconds)
    }]...)
  }

  sqs_policies = {
    api = { for index, queues in module.sqs : "sqs" => queues.api_policy_json } # it has the URLs in its environment
    web = merge(
      { for index, queues in module.sqs : "sqs" => queues.web_policy_json },
      { for index, parameters in module.sqs_parameters : "sqs-parameters" => parameters.reader_policies["web"] },
    )
    worker = merge([for queues in module.sqs : { sqs = queues.worker_policy_json }]...)
  }
}
