# Mocked values of the provider in tests, in the format of AWS.

mock_resource "aws_s3_bucket" {
  defaults = {
    arn = "arn:aws:s3:::test-grading-files"
    id  = "test-grading-files"
  }
}

mock_resource "aws_iam_role" {
  defaults = {
    arn = "arn:aws:iam::123456789012:role/test-grading-copies"
  }
}
