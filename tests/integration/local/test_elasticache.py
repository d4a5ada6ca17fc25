"""Replication groups of the emulated ElastiCache, with the real client and a real Redis."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis
from botocore.exceptions import ClientError

from gradectl.errors import GradectlError
from gradectl.local.engines.find import Engines
from gradectl.local.engines.redis import Cache, CacheHome, cache_answers, start_cache
from gradectl.local.engines.tls import make_certificates
from gradectl.local.loopback import free_ports
from gradectl.processes.child import wait_until_ready

LONG = 300.0  # a limit for a hung test, not a measurement
FIRST, SECOND, THIRD = "the-first-token-1", "the-second-token-2", "the-third-token-3"
GROUP = {
    "ReplicationGroupDescription": "Results by push.",
    "Engine": "valkey",
    "EngineVersion": "8.0",
    "CacheNodeType": "cache.t4g.micro",
    "TransitEncryptionEnabled": True,
    "AtRestEncryptionEnabled": True,
}


@pytest.fixture(name="elasticache")
def _elasticache(aws: Callable[[str], Any]) -> Any:
    return aws("elasticache")


@pytest.fixture(name="subnet_group")
def _subnet_group(aws: Callable[[str], Any], elasticache: Any, request: Any) -> str:
    """A subnet group in one subnet of its own."""
    ec2 = aws("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    name: str = request.node.name.replace("_", "-")
    elasticache.create_cache_subnet_group(
        CacheSubnetGroupName=name, CacheSubnetGroupDescription="Private.", SubnetIds=[subnet]
    )
    return name


def code_of(caught: pytest.ExceptionInfo[ClientError]) -> str:
    code: str = caught.value.response["Error"]["Code"]
    return code


def login(endpoint: str, token: str, ca_file: Path) -> redis.Redis:
    """A client that logs in with a token."""
    return redis.Redis.from_url(endpoint, password=token, ssl_ca_certs=str(ca_file))


def test_the_members_of_a_group_have_its_settings(elasticache: Any, subnet_group: str) -> None:
    """The AWS provider reads the settings of a group from its first member."""
    name = "has-members"
    elasticache.create_replication_group(
        ReplicationGroupId=name,
        NumCacheClusters=2,
        AuthToken=FIRST,
        CacheSubnetGroupName=subnet_group,
        SecurityGroupIds=["sg-1"],
        **GROUP,
    )
    elasticache.modify_replication_group(
        ReplicationGroupId=name, CacheNodeType="cache.t4g.small", SecurityGroupIds=["sg-2"]
    )

    group = elasticache.describe_replication_groups(ReplicationGroupId=name)["ReplicationGroups"][0]
    assert group["MemberClusters"] == [f"{name}-001", f"{name}-002"]
    assert group["AuthTokenEnabled"]
    found = elasticache.describe_cache_clusters(CacheClusterId=f"{name}-002")["CacheClusters"][0]
    assert found["CacheNodeType"] == "cache.t4g.small"
    assert [each["SecurityGroupId"] for each in found["SecurityGroups"]] == ["sg-2"]
    assert found["EngineVersion"] == "8.0.0"
    assert found["CacheParameterGroup"]["CacheParameterGroupName"] == "default.valkey8"
    assert found["CacheSubnetGroupName"] == subnet_group
    assert found["TransitEncryptionEnabled"]


def test_a_deleted_group_is_gone_with_its_members(elasticache: Any, subnet_group: str) -> None:
    """Terraform waits until neither is found, then deletes the subnet group."""
    elasticache.create_replication_group(
        ReplicationGroupId="goes", CacheSubnetGroupName=subnet_group, **GROUP
    )
    with pytest.raises(ClientError, match="currently in use"):
        elasticache.delete_cache_subnet_group(CacheSubnetGroupName=subnet_group)

    elasticache.delete_replication_group(ReplicationGroupId="goes")

    with pytest.raises(ClientError) as caught:
        elasticache.describe_replication_groups(ReplicationGroupId="goes")
    assert code_of(caught) == "ReplicationGroupNotFoundFault"
    with pytest.raises(ClientError) as caught:
        elasticache.describe_cache_clusters(CacheClusterId="goes-001")
    assert code_of(caught) == "CacheClusterNotFound"
    elasticache.delete_cache_subnet_group(CacheSubnetGroupName=subnet_group)
    with pytest.raises(ClientError) as caught:
        elasticache.describe_cache_subnet_groups(CacheSubnetGroupName=subnet_group)
    assert code_of(caught) == "CacheSubnetGroupNotFoundFault"


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"AuthToken": "too-short"}, "16 to 128"),
        ({"AuthToken": FIRST, "TransitEncryptionEnabled": False}, "encryption-in-transit"),
    ],
)
def test_a_token_that_elasticache_rejects_is_rejected(
    elasticache: Any, settings: dict[str, Any], reason: str
) -> None:
    """An apply must fail here as it would in AWS."""
    with pytest.raises(ClientError, match=reason):
        elasticache.create_replication_group(ReplicationGroupId="no", **{**GROUP, **settings})


@pytest.mark.engine
def test_redis_follows_the_replication_group(account: Any) -> None:
    """A rotation lets both tokens in until it is completed; a deleted group has no process."""
    elasticache, ca_file = account.client("elasticache"), account.stack.ca_file
    endpoint = account.stack.redis_endpoint

    def status() -> str:
        found = elasticache.describe_replication_groups(ReplicationGroupId="local-redis")
        value: str = found["ReplicationGroups"][0]["Status"]
        return value

    elasticache.create_replication_group(ReplicationGroupId="local-redis", AuthToken=FIRST, **GROUP)
    assert status() == "creating"
    service = account.settle()["redis"]
    assert (service.address, service.health) == (endpoint, "healthy")
    assert status() == "available"
    assert login(endpoint, FIRST, ca_file).set("result:1", "done", ex=300)
    with pytest.raises(redis.AuthenticationError):
        login(endpoint, SECOND, ca_file).ping()

    for token, strategy, valid in (
        (SECOND, "ROTATE", [FIRST, SECOND]),
        (THIRD, "ROTATE", [SECOND, THIRD]),
        (THIRD, "SET", [THIRD]),
    ):
        elasticache.modify_replication_group(
            ReplicationGroupId="local-redis",
            AuthToken=token,
            AuthTokenUpdateStrategy=strategy,
            ApplyImmediately=True,
        )
        account.settle()
        for each in (FIRST, SECOND, THIRD):
            client = login(endpoint, each, ca_file)
            if each in valid:
                assert client.ping()
            else:
                with pytest.raises(redis.AuthenticationError):
                    client.ping()

    elasticache.delete_replication_group(ReplicationGroupId="local-redis")
    assert account.settle() == {}


@pytest.mark.engine
def test_redis_denies_what_elasticache_denies(engines: Engines, tmp_path: Path) -> None:
    """No client without a token or TLS, no restricted command, no token in a readable place."""
    (port,) = free_ports(1)
    certificates = make_certificates(tmp_path, "localhost", "127.0.0.1")
    home = CacheHome(tmp_path / "cache", port, tmp_path / "redis.log", certificates)
    child = start_cache(engines.redis, Cache((FIRST,)), home)
    try:
        wait_until_ready(child, lambda: cache_answers(port, certificates.ca_file), LONG)
        endpoint = f"rediss://localhost:{port}"

        with pytest.raises(redis.AuthenticationError):
            redis.Redis.from_url(endpoint, ssl_ca_certs=str(certificates.ca_file)).ping()
        with pytest.raises(redis.ConnectionError):
            redis.Redis.from_url(f"redis://localhost:{port}", password=FIRST).ping()
        with pytest.raises(redis.ConnectionError) as caught:
            redis.Redis.from_url(endpoint, password=FIRST).ping()
        assert isinstance(caught.value.__context__, ssl.SSLCertVerificationError)
        client = login(endpoint, FIRST, certificates.ca_file)
        for command in ("CONFIG GET maxmemory", "REPLICAOF NO ONE", "SHUTDOWN"):
            with pytest.raises(redis.ResponseError, match="no permissions"):
                client.execute_command(*command.split())

        assert FIRST not in Path(f"/proc/{child.pid}/cmdline").read_text()
        configuration = home.directory / "redis.conf"
        assert FIRST not in configuration.read_text()
        assert configuration.stat().st_mode & 0o777 == 0o600
    finally:
        child.stop(LONG)
    assert not cache_answers(port, certificates.ca_file)


@pytest.mark.engine
def test_a_redis_without_tokens_and_encryption_lets_every_client_in(
    engines: Engines, tmp_path: Path
) -> None:
    """As Terraform described it."""
    (port,) = free_ports(1)
    certificates = make_certificates(tmp_path, "localhost", "127.0.0.1")
    home = CacheHome(tmp_path / "cache", port, tmp_path / "redis.log", certificates)
    child = start_cache(engines.redis, Cache(encrypts=False), home)
    try:
        wait_until_ready(child, lambda: cache_answers(port, None), LONG)

        assert redis.Redis.from_url(f"redis://localhost:{port}").ping()
    finally:
        child.stop(LONG)


@pytest.mark.engine
def test_the_error_of_a_redis_that_cannot_start_quotes_its_log(
    engines: Engines, tmp_path: Path
) -> None:
    """Such as a token file that was changed, or a directory that is full."""
    (port,) = free_ports(1)
    certificates = make_certificates(tmp_path, "localhost", "127.0.0.1")
    certificates.pem_file.write_text("no certificate")
    home = CacheHome(tmp_path / "cache", port, tmp_path / "redis.log", certificates)
    child = start_cache(engines.redis, Cache((FIRST,)), home)

    with pytest.raises(GradectlError, match=r"Failed to (load|configure)") as caught:
        wait_until_ready(child, lambda: cache_answers(port, certificates.ca_file), LONG)
    assert caught.value.where == str(home.log_file)
