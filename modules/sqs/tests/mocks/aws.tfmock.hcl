mock_resource "aws_sqs_queue" {
  defaults = {
    arn = "arn:aws:sqs:ap-northeast-2:123456789012:made"
    url = "https://sqs.ap-northeast-2.amazonaws.com/123456789012/made"
  }
}
