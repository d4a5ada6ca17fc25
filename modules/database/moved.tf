# count was added for existing databases
moved {
  from = aws_db_instance.this
  to   = aws_db_instance.this[0]
}

moved {
  from = aws_db_subnet_group.this
  to   = aws_db_subnet_group.this[0]
}
