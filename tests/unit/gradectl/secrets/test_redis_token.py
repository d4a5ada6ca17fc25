"""Redis gets the token in SSM once for each version, on an emulated ElastiCache."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.elasticache.models import ReplicationGroup, elasticache_backends

from gradectl.adapters.aws.account import Aws, AwsSettings
from gradectl.errors import TryAgainError
from gradectl.local.control_plane.patch_elasticache import (
    AVAILABLE,
    CREATING,
    described,
    patch_elasticache,
)
from gradectl.planning.plan import Action, Change, Plan
from gradectl.secrets.redis_token import preview_redis_token, sync_redis_token
from gradectl.ui import Ui

REGION, ACCOUNT = "ap-northeast-2", "123456789012"
GROUP, PARAMETER = "dev-grading-redis", "/dev/redis/password"
OUTPUTS = {"redis_replication_group_id": GROUP, "redis_password_parameter": PARAMETER}
RANDOM, FIRST, SECOND = "random-at-creation", "first-token-in-ssm", "second-token-in-ssm"


class Redis:
    """The account with a replication group that Terraform has just created."""

    def __init__(self) -> None:
        elasticache = boto3.client("elasticache", region_name=REGION)
        elasticache.create_replication_group(
            ReplicationGroupId=GROUP,
            ReplicationGroupDescription="Results by push.",
            Engine="valkey",
            AuthToken=RANDOM,
            TransitEncryptionEnabled=True,
            Tags=[{"Key": "team", "Value": "a"}],
        )
        self.elasticache = elasticache
        self.aws = Aws(AwsSettings(REGION, ACCOUNT))
        self.ui = Ui("table", {})
        self.put(FIRST)

    @property
    def group(self) -> ReplicationGroup:
        """The group as the emulated ElastiCache keeps it."""
        return elasticache_backends[ACCOUNT][REGION].replication_groups[GROUP]

    @property
    def tokens(self) -> tuple[str, ...]:
        """The tokens that let clients in."""
        return described(self.group).tokens

    def put(self, token: str) -> None:
        """Write the parameter."""
        boto3.client("ssm", region_name=REGION).put_parameter(
            Name=PARAMETER, Value=token, Type="SecureString", Overwrite=True
        )

    def sync(self, **options: Any) -> bool:
        return sync_redis_token(self.aws, self.ui, OUTPUTS, **options)


@pytest.fixture(name="redis")
def _redis(monkeypatch: pytest.MonkeyPatch) -> Iterator[Redis]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    patch_elasticache()
    with mock_aws():
        yield Redis()


def test_the_token_is_set_once_for_each_version_of_the_parameter(redis: Redis) -> None:
    """Afterwards only the token in SSM lets clients in; a second apply changes nothing."""
    assert redis.sync()
    assert redis.tokens == (FIRST,)
    assert not redis.sync()

    redis.put(SECOND)
    assert redis.sync()
    assert redis.tokens == (SECOND,)
    assert not redis.sync()
    tags = redis.elasticache.list_tags_for_resource(ResourceName=redis.group.arn)["TagList"]
    assert {each["Key"]: each["Value"] for each in tags} == {
        "team": "a",
        "gradectl:token-version": "2",
    }


def test_a_redis_that_does_not_become_available_keeps_its_token(redis: Redis) -> None:
    """The next apply sets it, because no version was recorded."""
    redis.group.status = CREATING
    polls = iter([True, False])

    with pytest.raises(TryAgainError, match="Redis is creating"):
        redis.sync(make_pause=lambda _seconds: lambda: next(polls))
    assert redis.tokens == (RANDOM,)

    redis.group.status = AVAILABLE
    assert redis.sync()


@pytest.mark.parametrize(
    "outputs", [{}, {"redis_replication_group_id": None, "redis_password_parameter": None}]
)
def test_an_environment_without_a_redis_of_its_own_needs_nothing(
    redis: Redis, outputs: dict[str, Any]
) -> None:
    """Nor does a root without these outputs."""
    assert not sync_redis_token(redis.aws, redis.ui, outputs)
    assert redis.tokens == (RANDOM,)


def test_a_dry_run_says_whether_the_token_would_change(
    redis: Redis, capsys: pytest.CaptureFixture[str]
) -> None:
    """It reads only; what Terraform creates or writes is known later."""
    known = Plan((), (), OUTPUTS)
    address, after = "aws_ssm_parameter.this", {"name": PARAMETER}
    written = Change(address, "aws_ssm_parameter", Action.UPDATE, (), "", {}, after, {})

    def said(plan: Plan) -> str:
        preview_redis_token(redis.aws, Ui("table", {}), plan)
        return capsys.readouterr().err

    before = f"token of Redis {GROUP}:"
    assert said(known) == f"{before} version 1 of {PARAMETER}\n"
    assert redis.tokens == (RANDOM,)
    assert said(Plan((written,), (), OUTPUTS)) == f"{before} the new value of {PARAMETER}\n"
    new = Plan((), (), unknown_outputs=frozenset({"redis_replication_group_id"}))
    assert said(new) == "token of Redis: set when Redis has been created\n"
    assert said(Plan((), ())) == ""
    redis.sync()
    capsys.readouterr()
    assert said(known) == f"{before} no change\n"
