# Back to the broker, while the queues of SQS, which exist already, are drained.
db_admin_password     = "a-Password-for-tests-1"
drain_other_transport = true
ecs_desired_count     = 1
ecs_max_capacity      = 4
ecs_min_capacity      = 0
mq_admin_password     = "a-Password-for-tests-1"
sqs_existing = {
  requests_arn    = "arn:aws:sqs:ap-northeast-2:123456789012:judge-requests"
  results_arn     = "arn:aws:sqs:ap-northeast-2:123456789012:judge-results"
  dead_letter_arn = "arn:aws:sqs:ap-northeast-2:123456789012:judge-failed"
}
