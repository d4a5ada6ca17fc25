"""
The calls of the HTTP API are those that the policies of its role allow.

No emulated account checks policies, so a missing right would show only on AWS. The tests of the
modules compare the rendered policies with the texts that are read here.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import boto3
import pytest

from grader.contract import bucket
from grader.contract.bucket import (
    LARGE_REQUESTS_PREFIX,
    description_key,
    execution_log_key,
    function_manifest_key,
    metadata_key,
    problem_prefix,
    result_key,
    source_key,
)
from grader.problems.problem_yaml import PROBLEM_YAML

ROOT = Path(__file__).parents[4]
API = sorted((ROOT / "grader" / "api").rglob("*.py"))
SQS = ROOT / "grader" / "adapters" / "sqs"
BUCKET = re.search(
    r"output\.api_policy_json\)\.Statement : .*? == \{(.*?)error_message",
    (ROOT / "modules" / "storage" / "tests" / "defaults.tftest.hcl").read_text(),
    re.DOTALL,
)
QUEUES = re.search(
    r"output\.api_policy_json\)\.Statement ==(.*?)error_message",
    (ROOT / "modules" / "sqs" / "tests" / "defaults.tftest.hcl").read_text(),
    re.DOTALL,
)
KEYS = re.search(
    r"api_keys_policy = jsonencode\((.*?)\n  \}\)",
    (ROOT / "environments" / "parameters.tf").read_text(),
    re.DOTALL,
)
PARAMETERS = (ROOT / "modules" / "parameters" / "policies.tf").read_text()

READ = (metadata_key("req"), description_key("sum"), f"{problem_prefix('sum')}{PROBLEM_YAML}")
WRITTEN = (metadata_key("req"), source_key("req", "py"), f"{LARGE_REQUESTS_PREFIX}body")
HIDDEN = (
    f"{bucket.test_cases_prefix('sum')}1.out",
    source_key("req", "py"),
    result_key("req"),
    execution_log_key("req"),
    function_manifest_key("hello"),
)


def operations(service: str, names: Iterable[str]) -> set[str]:
    """IAM actions of methods of boto3; other names are left out."""
    session: Any = boto3  # the service is not known to the type checker
    known = session.client(service, region_name="ap-northeast-2").meta.method_to_api_mapping
    return {f"{service}:{known[name]}" for name in names if name in known}


def methods(files: Iterable[Path], *objects: str) -> set[str]:
    """Names of the methods that are called on these attributes or names."""
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text()))]
    calls = [node.func for node in nodes if isinstance(node, ast.Call)]
    return {
        call.attr
        for call in calls
        if isinstance(call, ast.Attribute)
        and (call.value.attr if isinstance(call.value, ast.Attribute) else ast.unparse(call.value))
        in objects
    }


def methods_within(file: Path, names: set[str], *objects: str) -> set[str]:
    """Names of the methods that are called on `objects` by methods of a file, and by theirs."""
    functions = {
        node.name: ast.unparse(node)
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef)
    }
    reached, found = set[str](), set(names)
    while found - reached:
        reached |= found
        found |= {
            called
            for name in reached & functions.keys()
            for called in re.findall(r"self\.(\w+)\(", functions[name])
        }
    pattern = rf"\.(?:{'|'.join(objects)})\.(\w+)\("
    texts = [functions[name] for name in reached & functions.keys()]
    return {each for text in texts for each in re.findall(pattern, text)}


def patterns(sid: str) -> list[str]:
    """Keys of the bucket that a statement of the policy has, with wildcards."""
    assert BUCKET
    found = re.search(rf"{sid}\s*= (\[.*?\]|\S+)", BUCKET[1], re.DOTALL)
    assert found
    return re.findall(r'"arn:aws:s3:::test-grading-files/(.*?)"', found[1])


def allows(sid: str, key: str) -> bool:
    """Whether a statement covers a key."""
    return any(fnmatchcase(key, each) for each in patterns(sid))


def test_keys_and_logins_are_read_with_the_action_that_is_allowed() -> None:
    """GetParameter and GetParameters are two rights, also for one name."""
    used = operations("ssm", methods([ROOT / "grader" / "adapters" / "ssm.py"], "_client"))

    assert KEYS
    assert set(re.findall(r'Action\s*= "(ssm:\w+)"', KEYS[1])) == used == {"ssm:GetParameters"}
    assert used <= set(re.findall(r'"(ssm:\w+)"', PARAMETERS))


def test_queues_are_called_as_the_policy_allows_and_no_more() -> None:
    """The API sends requests and counts them."""
    used = methods([SQS / "sender.py", SQS / "inspection.py"], "_client")
    called = operations("sqs", methods_within(SQS / "client.py", used, "_client", "_polls"))

    assert QUEUES
    assert called == {f"sqs:{each}" for each in re.findall(r'"sqs:(\w+)"', QUEUES[1])}


def test_the_bucket_is_called_as_the_policy_allows_and_no_more() -> None:
    """The three statements: list, put, get."""
    used = methods(API, "store", "_store") - {"get_many"}  # that of the parameter store
    called = methods_within(ROOT / "grader" / "adapters" / "s3.py", used, "_client")

    assert called == {"generate_presigned_url", "get_object", "get_paginator", "put_object"}
    assert BUCKET
    assert set(re.findall(r"(\w+)\s+= [\[\"]", BUCKET[1])) == {
        "ListBucket",
        "UploadSubmissions",
        "ReadMetadataAndStatements",
    }


@pytest.mark.parametrize("key", READ)
def test_what_the_api_reads_is_allowed(key: str) -> None:
    """Metadata, statements, and the files with the titles."""
    assert allows("ReadMetadataAndStatements", key)


@pytest.mark.parametrize("key", WRITTEN)
def test_what_the_api_writes_is_allowed(key: str) -> None:
    """Metadata, programs (also by the URLs that it signs), and large requests on SQS."""
    assert allows("UploadSubmissions", key)


@pytest.mark.parametrize("key", HIDDEN)
def test_what_must_not_leave_cannot_be_read(key: str) -> None:
    """Whatever a fault in the API asks for."""
    assert not allows("ReadMetadataAndStatements", key)


def test_each_pattern_is_of_a_key_that_the_api_reads() -> None:
    """A right without a call goes."""
    assert all(
        any(fnmatchcase(key, each) for key in READ)
        for each in patterns("ReadMetadataAndStatements")
    )


def test_the_api_knows_no_other_keys_of_the_bucket() -> None:
    """A new one here needs a right, and a case above."""
    imported = {
        name.name
        for file in API
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module == "grader.contract.bucket"
        for name in node.names
    }

    allowed = {"LARGE_REQUESTS_PREFIX", "description_key", "metadata_key", "problem_prefix"}
    assert imported == allowed
