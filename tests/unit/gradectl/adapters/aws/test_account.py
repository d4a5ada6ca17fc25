"""Parameters of the account, against moto."""

from __future__ import annotations

import boto3
from moto import mock_aws

from gradectl.adapters.aws.account import Aws, AwsSettings


@mock_aws
def test_types_of_parameters_are_read_in_pages() -> None:
    """Missing ones are left out."""
    names = [f"/dev/{number}" for number in range(12)]
    ssm = boto3.client("ssm", region_name="eu-west-1")
    for name in names[1:]:
        ssm.put_parameter(Name=name, Value="v", Type="SecureString")

    aws = Aws(AwsSettings("eu-west-1", "123456789012"))

    assert aws.parameter_types(names) == dict.fromkeys(names[1:], "SecureString")
