# The application as tasks of an ECS service.

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
  environment        = { API_PORT = "8080" }
  policies           = { bucket = "{\"Version\": \"2012-10-17\", \"Statement\": []}" }

  application = {
    command = ["grader", "api"]
    image   = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/test-grading-worker:1.4.2"
    service = { cluster_name = "test-grading-cluster" }
  }
}

run "tasks_run_in_place_of_instances" {
  assert {
    condition = (
      length(aws_autoscaling_group.this) == 0 && length(aws_launch_template.this) == 0 && length(aws_iam_role.instance) == 0 &&
      length(aws_iam_instance_profile.this) == 0 && length(aws_iam_role_policy.instance) == 0 && length(aws_autoscaling_policy.cpu) == 0 &&
      output.autoscaling_group_name == null && output.instance_role_arn == null
    )
    error_message = "There is nothing of the instances."
  }

  assert {
    condition = (
      aws_ecs_service.this["this"].name == "test-grading-api" && aws_ecs_service.this["this"].cluster == "test-grading-cluster" &&
      aws_ecs_service.this["this"].launch_type == "FARGATE" && aws_ecs_service.this["this"].desired_count == 2 &&
      aws_ecs_service.this["this"].network_configuration[0].assign_public_ip == false &&
      aws_ecs_service.this["this"].network_configuration[0].subnets == toset(["subnet-3", "subnet-4"]) &&
      aws_ecs_service.this["this"].network_configuration[0].security_groups == toset(["sg-2"]) &&
      aws_ecs_service.this["this"].deployment_circuit_breaker[0].rollback
    )
    error_message = "Two tasks run on Fargate in the private subnets, without a public address."
  }

  assert {
    condition = (
      one(aws_ecs_service.this["this"].load_balancer).container_name == "grading-api" && one(aws_ecs_service.this["this"].load_balancer).container_port == 8080 &&
      aws_lb_target_group.this.target_type == "ip" && aws_lb_target_group.this.name == "test-api-8080" &&
      aws_lb_target_group.this.deregistration_delay == "30" && aws_lb_target_group.this.health_check[0].path == "/health"
    )
    error_message = "The load balancer reaches the tasks by their addresses, checks /health, and lets requests end within 30 s."
  }

  assert {
    condition = (
      output.service_name == "test-grading-api" && output.container_name == "grading-api" &&
      output.log_group_name == "/ecs/test-grading-api" && aws_cloudwatch_log_group.this.name == "/ecs/test-grading-api" &&
      output.load_balancer_arn_suffix == "app/test-grading-web/0123456789abcdef" && output.target_group_arn_suffix == "targetgroup/test-web-8080/0123456789abcdef"
    )
    error_message = "The outputs name what logs and alarms need."
  }

  assert {
    condition = (
      aws_ecs_task_definition.this["this"].family == "test-grading-api-task" && aws_ecs_task_definition.this["this"].cpu == "256" &&
      aws_ecs_task_definition.this["this"].memory == "512" && aws_ecs_task_definition.this["this"].runtime_platform[0].cpu_architecture == "X86_64"
    )
    error_message = "A task has a quarter of a vCPU."
  }

  assert {
    condition = (
      jsondecode(aws_ecs_task_definition.this["this"].container_definitions)[0].linuxParameters.capabilities == { drop = ["ALL"] } &&
      jsondecode(aws_ecs_task_definition.this["this"].container_definitions)[0].readonlyRootFilesystem == true &&
      jsondecode(aws_ecs_task_definition.this["this"].container_definitions)[0].mountPoints == [{ sourceVolume = "tmp", containerPath = "/tmp", readOnly = false }]
    )
    error_message = "The container has no capabilities and writes only to /tmp."
  }

  assert {
    condition = (
      jsondecode(aws_ecs_task_definition.this["this"].container_definitions)[0].command == ["grader", "api"] &&
      jsondecode(aws_ecs_task_definition.this["this"].container_definitions)[0].environment == [{ name = "API_PORT", value = "8080" }] &&
      jsondecode(aws_ecs_task_definition.this["this"].container_definitions)[0].stopTimeout == 30 &&
      jsondecode(aws_ecs_task_definition.this["this"].container_definitions)[0].logConfiguration.options["awslogs-group"] == "/ecs/test-grading-api"
    )
    error_message = "The container runs the command with the environment, and has 30 s to stop."
  }

  assert {
    condition = (
      keys(aws_iam_role_policy.execution) == ["logs", "pull"] && keys(aws_iam_role_policy.task) == ["bucket"] &&
      strcontains(aws_iam_role.task["this"].assume_role_policy, "\"aws:SourceAccount\":\"123456789012\"") &&
      strcontains(aws_iam_role_policy.execution["pull"].policy, "arn:aws:ecr:ap-northeast-2:123456789012:repository/test-grading-worker")
    )
    error_message = "ECS may pull the image and write the log; the application has its own policies only."
  }

  assert {
    condition = (
      aws_appautoscaling_target.this["this"].min_capacity == 2 && aws_appautoscaling_target.this["this"].max_capacity == 4 &&
      aws_appautoscaling_target.this["this"].resource_id == "service/test-grading-cluster/test-grading-api" &&
      keys(aws_appautoscaling_policy.this) == ["cpu"] &&
      one(aws_appautoscaling_policy.this["cpu"].target_tracking_scaling_policy_configuration).target_value == 60
    )
    error_message = "Two to four tasks at 60 percent CPU."
  }
}

run "without_scaling_the_number_of_tasks_is_fixed" {
  command = plan

  variables {
    scaling = {}
    application = {
      image   = "example.com/api:1.0"
      service = { cluster_name = "test", desired = 3, max = 5, min = 1 }
    }
  }

  assert {
    condition = (
      aws_appautoscaling_target.this["this"].min_capacity == 3 && aws_appautoscaling_target.this["this"].max_capacity == 3 &&
      length(aws_appautoscaling_policy.this) == 0
    )
    error_message = "The bounds are the desired number."
  }
}

run "all_options_of_the_service" {
  variables {
    scaling = { requests_per_target = 1200 }
    application = {
      image     = "registry.example.com/api:1.0"
      port      = 9000
      read_only = false
      service = {
        architecture               = "ARM64"
        cluster_name               = "other"
        cpu                        = 512
        desired                    = 1
        max                        = 8
        memory                     = 2048
        min                        = 1
        name                       = "portal"
        repository_credentials_arn = "arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:registry-AbCdEf"
        secret_kms_key_arns        = ["arn:aws:kms:ap-northeast-2:123456789012:key/12345678-1234-1234-1234-123456789012"]
        stop_timeout_seconds       = 60
      }
    }
  }

  assert {
    condition = (
      aws_ecs_service.this["this"].name == "test-portal" && aws_ecs_service.this["this"].cluster == "other" &&
      aws_appautoscaling_target.this["this"].min_capacity == 1 && aws_appautoscaling_target.this["this"].max_capacity == 8 &&
      aws_ecs_task_definition.this["this"].cpu == "512" && aws_ecs_task_definition.this["this"].memory == "2048" &&
      aws_ecs_task_definition.this["this"].runtime_platform[0].cpu_architecture == "ARM64"
    )
    error_message = "Name, cluster, number and size are as given."
  }

  assert {
    condition = (
      jsondecode(aws_ecs_task_definition.this["this"].container_definitions)[0].repositoryCredentials.credentialsParameter == "arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:registry-AbCdEf" &&
      jsondecode(aws_ecs_task_definition.this["this"].container_definitions)[0].stopTimeout == 60 &&
      jsondecode(aws_ecs_task_definition.this["this"].container_definitions)[0].readonlyRootFilesystem == false &&
      !contains(keys(jsondecode(aws_ecs_task_definition.this["this"].container_definitions)[0]), "command")
    )
    error_message = "The container is as given, with the command of its image."
  }

  assert {
    condition = (
      keys(aws_iam_role_policy.execution) == ["credentials", "logs"] &&
      strcontains(aws_iam_role_policy.execution["credentials"].policy, "secret:registry-AbCdEf") &&
      strcontains(aws_iam_role_policy.execution["credentials"].policy, "kms:Decrypt")
    )
    error_message = "ECS may read the login of the registry."
  }

  assert {
    condition = (
      keys(aws_appautoscaling_policy.this) == ["requests"] &&
      one(one(aws_appautoscaling_policy.this["requests"].target_tracking_scaling_policy_configuration).predefined_metric_specification).resource_label ==
      "app/test-grading-web/0123456789abcdef/targetgroup/test-web-8080/0123456789abcdef"
    )
    error_message = "The metric is that of the load balancer and the target group."
  }
}

run "a_domain_name_with_its_record_certificate_and_web_acl" {
  variables {
    certificate_arn = null
    load_balancer   = { domain_name = "grading.example.com", waf = { requests_per_5_minutes = 500 }, zone_id = "Z0123456789ABCDEFGHIJ" }
  }

  assert {
    condition = (
      aws_route53_record.this["this"].name == "grading.example.com" && aws_route53_record.this["this"].zone_id == "Z0123456789ABCDEFGHIJ" &&
      aws_route53_record.this["this"].alias[0].name == "test-grading-web-1.ap-northeast-2.elb.amazonaws.com" && output.url == "https://grading.example.com/"
    )
    error_message = "The name leads to the load balancer."
  }

  assert {
    condition = (
      aws_acm_certificate.this[0].domain_name == "grading.example.com" && aws_acm_certificate.this[0].validation_method == "DNS" &&
      aws_route53_record.validation[0].name == "_0123.grading.example.com" &&
      aws_lb_listener.https.certificate_arn == "arn:aws:acm:ap-northeast-2:123456789012:certificate/11111111-1111-1111-1111-111111111111"
    )
    error_message = "The certificate is validated by a record, and the listener waits for it."
  }

  assert {
    condition = (
      aws_wafv2_web_acl.this["this"].scope == "REGIONAL" && length(aws_wafv2_web_acl.this["this"].rule) == 2 &&
      [for rule in aws_wafv2_web_acl.this["this"].rule : one(rule.statement[0].rate_based_statement).limit if rule.name == "requests-of-an-address"] == [500] &&
      aws_wafv2_web_acl_association.this[0].web_acl_arn == aws_wafv2_web_acl.this["this"].arn
    )
    error_message = "It limits the requests of an address, and is in front of the load balancer."
  }

  assert {
    condition = (
      [for rule in aws_wafv2_web_acl.this["this"].rule : one(rule.action[0].block[0].custom_response).response_code if rule.name == "requests-of-an-address"] == [429] &&
      [for rule in aws_wafv2_web_acl.this["this"].rule : one(rule.statement[0].managed_rule_group_statement).name if rule.name == "bad-addresses"] == ["AWSManagedRulesAmazonIpReputationList"]
    )
    error_message = "More requests are answered with 429, and known bad addresses are blocked."
  }
}

run "a_record_for_an_existing_certificate" {
  command = plan

  variables {
    load_balancer = { domain_name = "grading.example.com", zone_id = "Z0123456789ABCDEFGHIJ" }
  }

  assert {
    condition     = length(aws_acm_certificate.this) == 0 && length(aws_route53_record.validation) == 0 && length(aws_route53_record.this) == 1
    error_message = "Only the record is created."
  }
}
