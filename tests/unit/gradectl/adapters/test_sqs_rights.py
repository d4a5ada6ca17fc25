"""
The calls of SQS in the code are those that the policies of the module `sqs` allow.

No emulated account checks policies, so a missing right would show only on AWS. The test of the
module compares the rendered policies with the texts that are read here, queue by queue.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from grader.contract.bucket import LARGE_REQUESTS_PREFIX, LARGE_RESULTS_PREFIX

ROOT = Path(__file__).parents[4]
RENDERED = (ROOT / "modules" / "sqs" / "tests" / "defaults.tftest.hcl").read_text()
OPTIONS = (ROOT / "modules" / "sqs" / "tests" / "options.tftest.hcl").read_text()
#: Method of boto3 to the operation, such as `send_message_batch` to `SendMessageBatch`.
OPERATIONS = boto3.client("sqs", region_name="ap-northeast-2").meta.method_to_api_mapping
WORKER = tuple(sorted((ROOT / "grader" / "adapters" / "sqs").glob("*.py")))
OPERATOR = (*WORKER, ROOT / "gradectl" / "adapters" / "aws" / "queues.py")
CLIENTS = {"_client", "_polls"}


def calls(files: tuple[Path, ...]) -> set[str]:
    """IAM actions of the methods of a client of SQS; a batch needs the right of its entries."""
    nodes = (node for file in files for node in ast.walk(ast.parse(file.read_text())))
    return {
        f"sqs:{OPERATIONS[node.attr].removesuffix('Batch')}"
        for node in nodes
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Attribute)
        and node.value.attr in CLIENTS
        and node.attr in OPERATIONS
    }


def rights(role: str) -> Iterator[str]:
    """The actions on queues of a rendered policy."""
    (text,) = re.findall(
        rf"output\.{role}_policy_json\)\.Statement ==(.*?)error_message", RENDERED, re.DOTALL
    )
    return (f"sqs:{each}" for each in re.findall(r'"sqs:(\w+)"', text))


@pytest.mark.parametrize(("role", "files"), [("worker", WORKER), ("operator", OPERATOR)])
def test_a_role_has_the_rights_for_the_calls_of_its_code_and_no_more(
    role: str, files: tuple[Path, ...]
) -> None:
    """A new call needs a new right, and a right without a call goes."""
    assert set(rights(role)) == calls(files)


def test_no_one_creates_or_changes_a_queue() -> None:
    """Terraform does."""
    changing = {"sqs:CreateQueue", "sqs:DeleteQueue", "sqs:SetQueueAttributes", "sqs:AddPermission"}

    assert not changing & calls(OPERATOR)


@pytest.mark.parametrize("prefix", [LARGE_REQUESTS_PREFIX, LARGE_RESULTS_PREFIX])
def test_large_bodies_are_where_the_policies_allow_them(prefix: str) -> None:
    """One side writes a folder, and the other reads it."""
    allowed = re.findall(r'Resource = \[?"arn:aws:s3:::test-grading-files/(.*?)\*"', OPTIONS)
    written = re.findall(
        r'PutObject"\s+Resource = "arn:aws:s3:::test-grading-files/(.*?)\*"', OPTIONS
    )

    assert prefix in allowed
    assert sorted(written) == sorted([LARGE_REQUESTS_PREFIX, LARGE_RESULTS_PREFIX])
