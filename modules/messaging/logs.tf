# ActiveMQ writes logs as the Amazon MQ service; RabbitMQ uses the service-linked role and needs no policy.
resource "aws_cloudwatch_log_resource_policy" "this" {
  count = local.configures && (local.logs.general || local.logs.audit) ? 1 : 0

  policy_name = "${var.name}-amazonmq-logs"
  policy_document = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "mq.amazonaws.com" }
      Action    = ["logs:CreateLogStream", "logs:PutLogEvents"]
      # Log groups are named after the broker's ID, which is unknown before the broker exists.
      Resource = "arn:${local.owner.partition}:logs:${local.owner.region}:${local.owner.account_id}:log-group:/aws/amazonmq/broker/*"
      Condition = {
        StringEquals = { "aws:SourceAccount" = local.owner.account_id }
        # Only on behalf of this broker: its name is unique in the account, its ID is not known yet.
        ArnLike = { "aws:SourceArn" = "arn:${local.owner.partition}:mq:${local.owner.region}:${local.owner.account_id}:broker:${var.name}:*" }
      }
    }]
  })
}

# Amazon MQ creates these groups itself, so they must be imported: see the README.
resource "aws_cloudwatch_log_group" "this" {
  # checkov:skip=CKV_AWS_158: logs.kms_key_arn sets a key; the default is the key of CloudWatch Logs
  # checkov:skip=CKV_AWS_338: the caller chooses the retention
  for_each = var.logs.retention_days == null ? {} : local.log_groups

  name              = each.value.name
  retention_in_days = var.logs.retention_days
  kms_key_id        = var.logs.kms_key_arn
}

locals {
  logs = {
    audit   = var.engine_type == "ActiveMQ" && coalesce(var.logs.audit, true)
    general = var.logs.general
  }

  log_groups = {
    for kind, wanted in local.logs :
    kind => { name = "/aws/amazonmq/broker/${one(aws_mq_broker.this[*].id)}/${kind}" } if wanted && local.makes_broker
  }

  # account and region, from resources created before the broker
  configuration_arn = split(":", try(coalesce(one(aws_mq_configuration.this[*].arn)), "::::"))
  owner = {
    account_id = local.configuration_arn[4]
    partition  = local.configuration_arn[1]
    region     = local.configuration_arn[3]
  }
}
