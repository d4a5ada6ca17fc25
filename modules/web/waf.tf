locals {
  created_acl = var.load_balancer.waf == null ? {} : { this = var.load_balancer.waf }
}

# Rule groups that look into bodies would block submissions, which are programs; so there are none.
resource "aws_wafv2_web_acl" "this" {
  # checkov:skip=CKV_AWS_192: programs may contain any text, also that of an attack on a library for logs in Java, which is not used here
  # checkov:skip=CKV2_AWS_31: the access log of the load balancer has each request and the action of the web ACL
  for_each = local.created_acl

  name        = local.name
  description = "Blocks known bad addresses and limits requests."
  scope       = "REGIONAL"

  default_action {
    allow {}
  }

  rule {
    name     = "bad-addresses"
    priority = 1

    override_action {
      none {}
    }

    statement {
      managed_rule_group_statement {
        name        = "AWSManagedRulesAmazonIpReputationList"
        vendor_name = "AWS"
      }
    }

    visibility_config {
      cloudwatch_metrics_enabled = true
      metric_name                = "${local.name}-bad-addresses"
      sampled_requests_enabled   = true
    }
  }

  rule {
    name     = "requests-of-an-address"
    priority = 2

    action {
      block {
        custom_response {
          response_code = 429
        }
      }
    }

    statement {
      rate_based_statement {
        limit              = each.value.requests_per_5_minutes
        aggregate_key_type = "IP"
      }
    }

    visibility_config {
      cloudwatch_metrics_enabled = true
      metric_name                = "${local.name}-requests"
      sampled_requests_enabled   = true
    }
  }

  visibility_config {
    cloudwatch_metrics_enabled = true
    metric_name                = local.name
    sampled_requests_enabled   = true
  }
}

resource "aws_wafv2_web_acl_association" "this" {
  count = var.waf_acl_arn == null && var.load_balancer.waf == null ? 0 : 1

  resource_arn = aws_lb.this.arn
  web_acl_arn  = var.waf_acl_arn != null ? var.waf_acl_arn : aws_wafv2_web_acl.this["this"].arn
}
