# Defaults with only the required variables.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  environment_name   = "test"
  region             = "ap-northeast-2"
  vpc_id             = "vpc-0123456789abcdef0"
  subnet_ids         = { public = ["subnet-1", "subnet-2"], private = ["subnet-3", "subnet-4"] }
  security_group_ids = { load_balancer = "sg-1", web = "sg-2" }
  certificate_arn    = "arn:aws:acm:ap-northeast-2:123456789012:certificate/00000000-0000-0000-0000-000000000000"
  application        = { image = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/test-web:1.4.2" }
}

run "the_load_balancer_accepts_only_tls" {
  command = plan

  assert {
    condition = (
      aws_lb.this.name == "test-grading-web" && aws_lb.this.load_balancer_type == "application" &&
      aws_lb.this.internal == false && aws_lb.this.subnets == toset(["subnet-1", "subnet-2"]) &&
      aws_lb.this.security_groups == toset(["sg-1"])
    )
    error_message = "The load balancer is in the public subnets, with its own security group."
  }

  assert {
    condition     = aws_lb.this.enable_deletion_protection && aws_lb.this.drop_invalid_header_fields && aws_lb.this.idle_timeout == 60
    error_message = "Deletion protection is on, and invalid headers are dropped."
  }

  assert {
    condition = (
      aws_lb_listener.https.port == 443 && aws_lb_listener.https.protocol == "HTTPS" &&
      aws_lb_listener.https.ssl_policy == "ELBSecurityPolicy-TLS13-1-2-2021-06" &&
      aws_lb_listener.https.certificate_arn == var.certificate_arn &&
      aws_lb_listener.https.default_action[0].type == "forward"
    )
    error_message = "HTTPS with TLS 1.2 or 1.3 is forwarded to the instances."
  }

  assert {
    condition = (
      aws_lb_listener.http.port == 80 && aws_lb_listener.http.default_action[0].type == "redirect" &&
      aws_lb_listener.http.default_action[0].redirect[0].protocol == "HTTPS" &&
      aws_lb_listener.http.default_action[0].redirect[0].status_code == "HTTP_301"
    )
    error_message = "HTTP is redirected to HTTPS."
  }

  assert {
    condition     = length(aws_wafv2_web_acl_association.this) == 0
    error_message = "There is no web ACL unless given."
  }
}

run "instances_are_closed" {
  command = plan

  assert {
    condition = (
      aws_launch_template.this[0].metadata_options[0].http_tokens == "required" &&
      aws_launch_template.this[0].metadata_options[0].http_put_response_hop_limit == 1
    )
    error_message = "Instance metadata requires a token and one hop."
  }

  assert {
    condition = (
      aws_launch_template.this[0].network_interfaces[0].associate_public_ip_address == "false" &&
      aws_launch_template.this[0].network_interfaces[0].security_groups == toset(["sg-2"]) &&
      aws_autoscaling_group.this[0].vpc_zone_identifier == toset(["subnet-3", "subnet-4"])
    )
    error_message = "No public address, in private subnets, in the web tier's group."
  }

  assert {
    condition = (
      aws_launch_template.this[0].block_device_mappings[0].ebs[0].encrypted == "true" &&
      aws_launch_template.this[0].block_device_mappings[0].ebs[0].volume_type == "gp3" &&
      aws_launch_template.this[0].block_device_mappings[0].ebs[0].volume_size == 30
    )
    error_message = "The volume is encrypted."
  }

  assert {
    condition     = aws_launch_template.this[0].key_name == null
    error_message = "There is no key pair."
  }
}

run "the_group_uses_health_checks_of_the_load_balancer" {
  command = plan

  assert {
    condition = (
      aws_autoscaling_group.this[0].name == "test-grading-web" && aws_autoscaling_group.this[0].health_check_type == "ELB" &&
      aws_autoscaling_group.this[0].min_size == 2 && aws_autoscaling_group.this[0].max_size == 4 && aws_autoscaling_group.this[0].desired_capacity == 2
    )
    error_message = "There are two to four instances, replaced when unhealthy."
  }

  assert {
    condition = (
      aws_autoscaling_group.this[0].instance_refresh[0].strategy == "Rolling" &&
      aws_autoscaling_group.this[0].instance_refresh[0].preferences[0].min_healthy_percentage == 90
    )
    error_message = "A new template replaces them one after the other."
  }

  assert {
    condition = (
      keys(aws_autoscaling_policy.cpu) == ["cpu"] && length(aws_autoscaling_policy.requests) == 0 &&
      aws_autoscaling_policy.cpu["cpu"].target_tracking_configuration[0].target_value == 60
    )
    error_message = "The number follows CPU."
  }

  assert {
    condition = (
      aws_lb_target_group.this.name == "test-web-8080" && aws_lb_target_group.this.port == 8080 && aws_lb_target_group.this.protocol == "HTTP" &&
      aws_lb_target_group.this.health_check[0].path == "/health" && aws_lb_target_group.this.health_check[0].matcher == "200"
    )
    error_message = "Health checks request /health on port 8080."
  }
}

run "the_role_has_minimal_permissions" {
  assert {
    condition     = keys(aws_iam_role_policy.instance) == ["logs", "pull", "session"]
    error_message = "The role covers log, image pull and sessions."
  }

  assert {
    condition = (
      alltrue(flatten([for policy in values(aws_iam_role_policy.instance) : [
        for statement in jsondecode(policy.policy).Statement :
        statement.Resource != "*" || contains(["LogInToRegistry", "OpenSession"], statement.Sid)
      ]]))
    )
    error_message = "Only actions without a resource level have a wildcard."
  }

  assert {
    condition     = !strcontains(aws_iam_role_policy.instance["session"].policy, "ssm:GetParameter")
    error_message = "A session gives no parameter away."
  }

  assert {
    condition = (
      contains(
        jsondecode(aws_iam_role_policy.instance["pull"].policy).Statement[*].Resource,
        "arn:aws:ecr:ap-northeast-2:123456789012:repository/test-web",
      )
    )
    error_message = "The role may pull from the repository of the image."
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.instance["logs"].policy).Statement[0].Resource == "arn:aws:logs:ap-northeast-2:123456789012:log-group:/ec2/test-grading-web:*"
    error_message = "The role may write its log."
  }

  assert {
    condition     = output.url == "https://test-grading-web-1.ap-northeast-2.elb.amazonaws.com/" && output.log_group_name == "/ec2/test-grading-web"
    error_message = "The URL contains the load balancer's name, the log group the environment's."
  }
}

run "policies_name_the_partition_of_the_certificate" {
  command = plan

  variables {
    region          = "us-gov-west-1"
    certificate_arn = "arn:aws-us-gov:acm:us-gov-west-1:123456789012:certificate/00000000-0000-0000-0000-000000000000"
    application     = { image = "123456789012.dkr.ecr.us-gov-west-1.amazonaws.com/test-web:1.4.2" }
  }

  assert {
    condition     = contains(jsondecode(aws_iam_role_policy.instance["pull"].policy).Statement[*].Resource, "arn:aws-us-gov:ecr:us-gov-west-1:123456789012:repository/test-web")
    error_message = "ARNs of the commercial partition allow nothing in GovCloud."
  }
}
