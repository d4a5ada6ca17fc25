# count was added for applications that run as an ECS service
moved {
  from = aws_autoscaling_group.this
  to   = aws_autoscaling_group.this[0]
}

moved {
  from = aws_iam_instance_profile.this
  to   = aws_iam_instance_profile.this[0]
}

moved {
  from = aws_iam_role.instance
  to   = aws_iam_role.instance[0]
}

moved {
  from = aws_launch_template.this
  to   = aws_launch_template.this[0]
}
