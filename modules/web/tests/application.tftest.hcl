# Application and permissions of an instance.

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

run "the_container_is_started_by_systemd" {
  command = plan

  assert {
    condition = (
      yamldecode(trimprefix(base64decode(aws_launch_template.this[0].user_data), "#cloud-config\n")).write_files[*].path == [
        "/etc/grading-web/docker/config.json", "/etc/grading-web/environment", "/etc/grading-web/start",
        "/etc/systemd/system/grading-web.service", "/usr/local/bin/docker-credential-instance-role",
      ]
    )
    error_message = "User data has five files and no packages."
  }

  assert {
    condition     = !can(yamldecode(trimprefix(base64decode(aws_launch_template.this[0].user_data), "#cloud-config\n")).packages) && alltrue([for command in yamldecode(trimprefix(base64decode(aws_launch_template.this[0].user_data), "#cloud-config\n")).runcmd : command[0] == "systemctl"])
    error_message = "User data installs nothing."
  }

  assert {
    condition     = strcontains(base64decode(one([for file in yamldecode(trimprefix(base64decode(aws_launch_template.this[0].user_data), "#cloud-config\n")).write_files : file.content if file.path == "/etc/grading-web/start"])), "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/test-web:1.4.2")
    error_message = "The given image is used."
  }

  assert {
    condition = (
      alltrue([for option in ["--read-only", "--cap-drop ALL", "--security-opt no-new-privileges", "--init", "awslogs-group=/ec2/test-grading-web"] :
        strcontains(base64decode(one([for file in yamldecode(trimprefix(base64decode(aws_launch_template.this[0].user_data), "#cloud-config\n")).write_files : file.content if file.path == "/etc/grading-web/start"])), option)
      ])
    )
    error_message = "The container has minimal privileges."
  }

  assert {
    condition     = jsondecode(base64decode(one([for file in yamldecode(trimprefix(base64decode(aws_launch_template.this[0].user_data), "#cloud-config\n")).write_files : file.content if file.path == "/etc/grading-web/docker/config.json"]))) == { credHelpers = { "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com" = "instance-role" } }
    error_message = "Docker logs in with the role of the instance and stores no token."
  }
}

run "an_image_outside_ecr_gets_no_pull_permission" {
  command = plan

  variables {
    application = {
      image              = "registry.example.com/web@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
      command            = ["serve", "--greeting", "it's"]
      health_check_path  = "/up"
      log_kms_key_arn    = "arn:aws:kms:ap-northeast-2:123456789012:key/0123"
      log_retention_days = 7
      port               = 9000
      read_only          = false
    }
  }

  assert {
    condition     = keys(aws_iam_role_policy.instance) == ["logs", "session"]
    error_message = "Without ECR the role has no pull permission."
  }

  assert {
    condition     = length([for path in yamldecode(trimprefix(base64decode(aws_launch_template.this[0].user_data), "#cloud-config\n")).write_files[*].path : path if strcontains(path, "docker")]) == 0
    error_message = "Docker needs no credential helper."
  }

  assert {
    condition = (
      aws_lb_target_group.this.port == 9000 && aws_lb_target_group.this.name == "test-web-9000" &&
      aws_lb_target_group.this.health_check[0].path == "/up" && aws_cloudwatch_log_group.this.retention_in_days == 7
    )
    error_message = "The given port, path and retention are used."
  }

  assert {
    condition = (
      !strcontains(base64decode(one([for file in yamldecode(trimprefix(base64decode(aws_launch_template.this[0].user_data), "#cloud-config\n")).write_files : file.content if file.path == "/etc/grading-web/start"])), "--read-only") &&
      strcontains(base64decode(one([for file in yamldecode(trimprefix(base64decode(aws_launch_template.this[0].user_data), "#cloud-config\n")).write_files : file.content if file.path == "/etc/grading-web/start"])), "'serve' '--greeting' 'it'\\''s'")
    )
    error_message = "The command is quoted for the shell, and the root file system is writable."
  }

  assert {
    condition     = aws_cloudwatch_log_group.this.kms_key_id == "arn:aws:kms:ap-northeast-2:123456789012:key/0123"
    error_message = "The key is that of the log group."
  }
}

run "an_ami_with_its_own_service" {
  command = plan

  variables {
    application = { image = null }
    instances   = { image_id = "ami-0123456789abcdef0" }
    environment = { QUEUE_NAME = "grading-requests" }
  }

  assert {
    condition = (
      yamldecode(trimprefix(base64decode(aws_launch_template.this[0].user_data), "#cloud-config\n")).write_files[*].path == ["/etc/grading-web/environment"] &&
      yamldecode(trimprefix(base64decode(aws_launch_template.this[0].user_data), "#cloud-config\n")).runcmd == [["systemctl", "daemon-reload"], ["systemctl", "enable", "--now", "--no-block", "grading-web.service"]]
    )
    error_message = "The environment file is written and the unit is started."
  }

  assert {
    condition     = strcontains(base64decode(one([for file in yamldecode(trimprefix(base64decode(aws_launch_template.this[0].user_data), "#cloud-config\n")).write_files : file.content if file.path == "/etc/grading-web/environment"])), "QUEUE_NAME=\"grading-requests\"")
    error_message = "The environment file contains the given values."
  }
}

run "the_policies_are_the_permissions_of_the_application" {
  command = plan

  variables {
    policies    = { bucket = "{\"Version\":\"2012-10-17\",\"Statement\":[]}" }
    environment = { MQ_PASSWORD_PARAM = "/test/mq-web/password" }
  }

  assert {
    condition     = keys(aws_iam_role_policy.instance) == ["bucket", "logs", "pull", "session"]
    error_message = "The application has the policies of the other modules."
  }

  assert {
    condition     = strcontains(base64decode(one([for file in yamldecode(trimprefix(base64decode(aws_launch_template.this[0].user_data), "#cloud-config\n")).write_files : file.content if file.path == "/etc/grading-web/environment"])), "/test/mq-web/password")
    error_message = "The environment contains the name of the parameter, not the password."
  }
}

run "refuses_too_much_user_data" {
  command = plan

  variables {
    environment = { LONG = join("", [for index in range(1000) : "0123456789"]) }
  }

  expect_failures = [aws_launch_template.this]
}
