mock_provider "aws" {}

variables {
  name               = "test-grading-mq"
  subnet_ids         = ["subnet-1"]
  security_group_ids = ["sg-1"]
}

run "the_first_password_of_rabbitmq_can_be_read" {
  command = apply

  variables {
    engine_type = "RabbitMQ"
  }

  assert {
    condition     = length(output.initial_password) >= 12 && output.initial_password == one(aws_mq_broker.this[0].user).password
    error_message = "Nobody could log in to change it."
  }
}

run "a_second_apply_leaves_users_as_they_are" {
  command = plan

  variables {
    engine_type    = "RabbitMQ"
    admin_username = "another"
  }

  assert {
    condition     = one(aws_mq_broker.this[0].user).username == "admin"
    error_message = "Users are changed in the broker, where their passwords are."
  }
}
