"""The bootstrap stack is valid CloudFormation, and its resources are protected."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from cfn_findings import cfn_findings

from gradectl.deploy.rendering import bootstrap_template
from gradectl.environment import Environment

REPOSITORY = Path(__file__).resolve().parents[4]
ENVIRONMENT = Environment(
    schema_version=1, name="dev", account_id="123456789012", region="eu-west-1"
)


class _Tags(yaml.SafeLoader):
    """Loads CloudFormation's short forms, such as !Ref, as their arguments."""


_Tags.add_multi_constructor("!", lambda loader, _tag, node: loader.construct_scalar(node))


@pytest.fixture(scope="module")
def text() -> str:
    """The template as it is deployed."""
    return bootstrap_template(REPOSITORY, ENVIRONMENT)


@pytest.fixture(scope="module")
def resources(text: str) -> dict[str, Any]:
    """Its resources."""
    found: dict[str, Any] = yaml.load(text, _Tags)["Resources"]
    return found


def test_cfn_lint_finds_nothing(text: str) -> None:
    """Not even informational findings."""
    assert cfn_findings(text, "ap-northeast-2") == []


def test_the_state_is_safe(resources: dict[str, Any]) -> None:
    """Encrypted, versioned, not public, only by TLS, and it outlives the stack."""
    bucket = resources["StateBucket"]
    policy = resources["StateBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"][0]

    assert bucket["DeletionPolicy"] == bucket["UpdateReplacePolicy"] == "Retain"
    assert bucket["Properties"]["BucketName"] == ENVIRONMENT.state_bucket
    assert bucket["Properties"]["VersioningConfiguration"] == {"Status": "Enabled"}
    assert bucket["Properties"]["BucketEncryption"]
    assert all(bucket["Properties"]["PublicAccessBlockConfiguration"].values())
    assert (policy["Effect"], policy["Condition"]) == (
        "Deny",
        {"Bool": {"aws:SecureTransport": "false"}},
    )


def test_image_tags_are_immutable(resources: dict[str, Any]) -> None:
    """A tag cannot be moved to another image, and each image is scanned."""
    repository = resources["WorkerImages"]["Properties"]

    assert repository["RepositoryName"] == "dev-grading-worker"
    assert repository["ImageTagMutability"] == "IMMUTABLE"
    assert repository["ImageScanningConfiguration"] == {"ScanOnPush": True}
