# Network, broker and database that are already there.
db_admin_password           = "a-Password-for-tests-1"
db_admin_username           = "grader_app"
db_endpoint_override        = "127.0.0.1:3306"
db_existing                 = { endpoint = "db.example.com:3306", database_name = "judge", security_group_ids = ["sg-0123456789abcdef1"] }
enable_ssh_access           = true
mq_admin_password           = "a-Password-for-tests-1"
mq_admin_username           = "worker"
mq_broker_endpoint_override = "stomp+ssl://localhost:61614"
mq_existing                 = { stomp_endpoints = ["stomp+ssl://mq.example.com:61614"], node_names = ["shared-1"], cidr_blocks = ["10.30.0.10/32"] }
vpc_existing = {
  vpc_id                  = "vpc-0123456789abcdef0"
  vpc_cidr_block          = "10.20.0.0/16"
  private_subnet_ids      = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
  private_route_table_ids = ["rtb-0123456789abcdef0"]
  endpoints               = { security_group_ids = ["sg-0123456789abcdef2"] }
}
