"""What Terraform does with a saved plan whose passwords are ephemeral."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import boto3
import pytest

pytestmark = pytest.mark.engine

NAME = "/saved/worker/password"
ROOT = """
provider "aws" {
  skip_credentials_validation = true
  skip_metadata_api_check     = true
}

variable "password" {
  type      = string
  ephemeral = true
  sensitive = true
}

module "parameters" {
  source           = "../modules/parameters"
  environment_name = "saved"
  part             = "worker"
  secret_versions  = { password = 1 }
  secret_values    = { password = var.password }
}
"""


def test_a_saved_plan_writes_the_password_of_its_apply(
    terraform_folder: Callable[..., Any],
    serve: Callable[[Any], AbstractContextManager[Any]],
    moto_server: str,
) -> None:
    """The READMEs say so: the plan has no password, and nothing compares the two values."""
    folder = terraform_folder("saved", {"main.tf": ROOT}).within(AWS_ENDPOINT_URL=moto_server)
    folder.run("init", "-no-color", "-input=false")
    client = boto3.client(
        "ssm",
        endpoint_url=moto_server,
        region_name="ap-northeast-2",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )

    with serve(folder) as served:
        served.within(TF_VAR_password="planned-Password").run("plan", "-out=saved.plan")
        without = served.attempt("apply", "-no-color", "saved.plan")
        written = client.get_parameters(Names=[NAME])["Parameters"]
        served.within(TF_VAR_password="applied-Password").run("apply", "saved.plan")

    assert (without.returncode, written) == (1, [])
    assert "password" in without.stderr
    found = client.get_parameter(Name=NAME, WithDecryption=True)["Parameter"]["Value"]
    assert found == "applied-Password"
