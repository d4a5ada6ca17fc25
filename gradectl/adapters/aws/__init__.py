"""The AWS account; only these files use boto3."""
