"""What only the real provider shows: whose account it is, where, and with which tags."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import boto3
import pytest
from botocore.session import get_session

ROOT = Path(__file__).resolve().parents[2]
OWN_ACCOUNT, OTHER_ACCOUNT = "123456789012", "210987654321"

pytestmark = pytest.mark.engine
Serve = Callable[[Any], AbstractContextManager[Any]]


class _Forbids(BaseHTTPRequestHandler):
    """An AWS API that knows nobody."""

    def do_POST(self) -> None:
        """Refuse."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(403)
        self.end_headers()
        self.wfile.write(
            b"<ErrorResponse><Error><Code>InvalidClientTokenId</Code></Error></ErrorResponse>"
        )

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def forbidding_api() -> Iterator[str]:
    """The URL of an AWS API that refuses every call."""
    server = HTTPServer(("127.0.0.1", 0), _Forbids)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_another_account_is_refused_with_both_accounts(planning_root: Any) -> None:
    """Somebody with the wrong credentials is told which are wanted, before anything is planned."""
    done = planning_root.attempt(
        "plan", "-no-color", "-var=emulated=true", f"-var=aws_account_id={OTHER_ACCOUNT}"
    )

    message = " ".join(done.stderr.split())
    assert done.returncode == 1
    assert OWN_ACCOUNT in message
    assert OTHER_ACCOUNT in message


def test_a_plan_is_not_applied_in_another_account(
    planning_root: Any, serve: Serve, moto_server: str, tmp_path: Path
) -> None:
    """What was planned with one account's credentials does nothing with another's."""
    plan = tmp_path / "own.plan"
    settings = ("-var=emulated=true", f"-var=aws_account_id={OWN_ACCOUNT}")
    planning_root.run("plan", "-no-color", f"-out={plan}", *settings)
    session = boto3.Session("testing", "testing", region_name="ap-northeast-2")
    sts = session.client("sts", endpoint_url=moto_server)
    role = f"arn:aws:iam::{OTHER_ACCOUNT}:role/somebody"
    other = sts.assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    root = planning_root.within(
        AWS_ACCESS_KEY_ID=other["AccessKeyId"],
        AWS_SECRET_ACCESS_KEY=other["SecretAccessKey"],
        AWS_SESSION_TOKEN=other["SessionToken"],
    )

    with serve(root) as served:
        done = served.attempt("apply", "-no-color", str(plan))

    assert done.returncode == 1
    assert f"AWS account ID not allowed: {OTHER_ACCOUNT}" in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("emulated", "first_refused"),
    [("true", "Retrieving AWS account details"), ("false", "validating provider credentials")],
)
def test_only_an_emulated_account_is_believed_unseen(
    planning_root: Any, serve: Serve, forbidding_api: str, emulated: str, first_refused: str
) -> None:
    """The provider checks its credentials first, unless `emulated` says that they mean nothing."""
    root = planning_root.within(AWS_ENDPOINT_URL=forbidding_api)

    with serve(root) as served:
        done = served.attempt("plan", "-no-color", f"-var=emulated={emulated}")

    assert first_refused in " ".join(done.stderr.split()), done.stderr


@pytest.fixture(scope="module")
def planned(planning_root: Any) -> dict[str, dict[str, Any]]:
    """What would be made in another region, with a tag more, by address."""
    settings = ("-var=aws_region=eu-central-1", '-var=availability_zone_suffixes=["a", "b"]')
    plan = planning_root.plan("-var=emulated=true", '-var=tags={CostCenter = "4711"}', *settings)
    return {change["address"]: change["change"]["after"] for change in plan["resource_changes"]}


def test_everything_is_planned_in_the_region_given(planned: dict[str, dict[str, Any]]) -> None:
    """No name of a region is left that was not derived from aws_region."""
    subnets = [value for address, value in planned.items() if ".aws_subnet." in address]

    assert {value["availability_zone"] for value in subnets} == {"eu-central-1a", "eu-central-1b"}
    assert not re.search("ap-northeast", str(planned))


def test_tags_are_on_everything_beside_our_own(planned: dict[str, dict[str, Any]]) -> None:
    """What takes tags carries those of the provider, and those of `tags`."""
    tagged = {key: value["tags_all"] for key, value in planned.items() if "tags_all" in value}

    own = {"Environment": "production", "ManagedBy": "terraform", "Project": "gradectl"}
    expected = {**own, "CostCenter": "4711"}.items()
    assert len(tagged) > 20
    assert [address for address, tags in tagged.items() if not expected <= tags.items()] == []


def test_the_regions_are_those_of_aws() -> None:
    """A region that AWS opens is known here as soon as its SDK knows it."""
    text = (ROOT / "environments" / "limits.tf").read_text()

    listed = re.findall(r'"([a-z]{2}-[a-z]+-[0-9])"', text)

    assert set(get_session().get_available_regions("ec2")) <= set(listed)
    assert listed == sorted(listed)
