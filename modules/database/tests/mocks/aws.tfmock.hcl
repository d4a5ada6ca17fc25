# Mocked values of the provider in tests, in the format of AWS.

mock_resource "aws_cloudwatch_log_group" {
  defaults = {
    arn = "arn:aws:logs:ap-northeast-2:123456789012:log-group:test"
  }
}

mock_resource "aws_db_instance" {
  defaults = {
    arn         = "arn:aws:rds:ap-northeast-2:123456789012:db:test-grading"
    endpoint    = "test-grading.abc.ap-northeast-2.rds.amazonaws.com:3306"
    resource_id = "db-ABCDEFGHIJKL01234"
  }
}

mock_resource "aws_iam_role" {
  defaults = {
    arn = "arn:aws:iam::123456789012:role/test"
  }
}
