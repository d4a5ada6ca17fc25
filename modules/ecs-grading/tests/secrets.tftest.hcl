mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  environment_name   = "test"
  region             = "ap-northeast-2"
  image              = "registry.example.com/grading-worker:1.0"
  environment        = { ENVIRONMENT = "test" }
  subnet_ids         = ["subnet-1", "subnet-2"]
  security_group_ids = ["sg-1"]
  queue              = { broker_node_names = ["test-grading-mq-1"] }
}

run "reads_no_secret_by_default" {
  command = plan

  assert {
    condition     = !anytrue([for key in ["repositoryCredentials", "secrets"] : contains(keys(jsondecode(aws_ecs_task_definition.this.container_definitions)[0]), key)])
    error_message = "The definition of a task without secrets stays as it is."
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.execution.policy).Statement[*].Sid == ["WriteLogs"]
    error_message = "The execution role may read no secret."
  }
}

run "logs_in_to_a_private_registry" {
  command = plan

  variables {
    task = { repository_credentials_arn = "arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:registry/example-AbCdEf" }
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].repositoryCredentials == { credentialsParameter = "arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:registry/example-AbCdEf" }
    error_message = "The definition names the secret."
  }

  assert {
    condition = slice(jsondecode(aws_iam_role_policy.execution.policy).Statement, 1, 2) == [{
      Sid      = "ReadSecrets"
      Effect   = "Allow"
      Action   = "secretsmanager:GetSecretValue"
      Resource = ["arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:registry/example-AbCdEf"]
    }]
    error_message = "The execution role may read this secret."
  }

  assert {
    condition     = alltrue([for each in aws_iam_role_policy.task : !strcontains(each.policy, "secretsmanager")])
    error_message = "The worker itself may not."
  }
}

run "gives_secrets_to_the_worker_and_to_a_sidecar" {
  command = plan

  variables {
    task = {
      memory = 2048
      secret_arns = {
        HANDLER_TOKEN = "arn:aws:ssm:ap-northeast-2:123456789012:parameter/test/handler/token"
        HANDLER_USER  = "arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:handler-login-AbCdEf:user::"
        HANDLER_PIN   = "arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:handler-login-AbCdEf:pin::"
      }
      secret_kms_key_arns = ["arn:aws:kms:ap-northeast-2:123456789012:key/11111111-2222-3333-4444-555555555555"]
      sidecars = {
        collector = {
          image                      = "registry.example.com/collector:1"
          repository_credentials_arn = "arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:registry-GhIjKl"
          secret_arns                = { API_KEY = "arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:collector-MnOpQr" }
        }
      }
    }
  }

  assert {
    condition = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].secrets == [
      { name = "HANDLER_PIN", valueFrom = "arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:handler-login-AbCdEf:pin::" },
      { name = "HANDLER_TOKEN", valueFrom = "arn:aws:ssm:ap-northeast-2:123456789012:parameter/test/handler/token" },
      { name = "HANDLER_USER", valueFrom = "arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:handler-login-AbCdEf:user::" },
    ]
    error_message = "ECS sets each variable of the worker from its source."
  }

  assert {
    condition = (
      jsondecode(aws_ecs_task_definition.this.container_definitions)[1].secrets == [{ name = "API_KEY", valueFrom = "arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:collector-MnOpQr" }] &&
      jsondecode(aws_ecs_task_definition.this.container_definitions)[1].repositoryCredentials.credentialsParameter == "arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:registry-GhIjKl" &&
      !contains(keys(jsondecode(aws_ecs_task_definition.this.container_definitions)[0]), "repositoryCredentials")
    )
    error_message = "A sidecar has its own."
  }

  assert {
    condition = { for each in jsondecode(aws_iam_role_policy.execution.policy).Statement : each.Sid => each.Resource if each.Sid != "WriteLogs" } == {
      ReadParameters = ["arn:aws:ssm:ap-northeast-2:123456789012:parameter/test/handler/token"]
      ReadSecrets = [
        "arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:registry-GhIjKl",
        "arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:collector-MnOpQr",
        "arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:handler-login-AbCdEf",
      ]
      DecryptSecrets = ["arn:aws:kms:ap-northeast-2:123456789012:key/11111111-2222-3333-4444-555555555555"]
    }
    error_message = "The execution role may read each of them and nothing else; IAM knows secrets without their JSON keys."
  }

  assert {
    condition = one([for each in jsondecode(aws_iam_role_policy.execution.policy).Statement : each.Condition if each.Sid == "DecryptSecrets"]) == {
      StringLike = { "kms:ViaService" = ["secretsmanager.*.amazonaws.com", "ssm.*.amazonaws.com"] }
    }
    error_message = "It may use the key only through Secrets Manager and Parameter Store."
  }
}
