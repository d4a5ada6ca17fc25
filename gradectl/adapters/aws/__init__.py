"""The AWS account: the only files that know boto3."""
