"""
Completes moto's ElastiCache for replication groups, which have a data plane here.

moto 5.2 has no clusters for the members of a replication group, by which the AWS provider reads
most of its settings. It keeps a deleted group, drops the token and most changes, and cannot change
or delete a subnet group.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from moto.core.responses import ActionResult, EmptyResult
from moto.elasticache import urls
from moto.elasticache.exceptions import (
    InvalidParameterCombinationException,
    InvalidParameterValueException,
)
from moto.elasticache.models import (
    CacheCluster,
    CacheSubnetGroup,
    ElastiCacheBackend,
    ReplicationGroup,
)
from moto.elasticache.responses import ElastiCacheResponse

from gradectl.local.engines.redis import Cache

AVAILABLE = "available"
CREATING = "creating"
CREATE_FAILED = "create-failed"
#: Length of a token in ElastiCache.
_TOKEN_LENGTHS = range(16, 129)
#: A group that names no version, or the major one only, gets this one.
_VERSIONS = {"valkey": "8.0", "redis": "7.1"}
#: Members of ModifyReplicationGroup -> attribute of the group and of its members.
_CHANGEABLE = {
    "AutoMinorVersionUpgrade": "auto_minor_version_upgrade",
    "CacheNodeType": "cache_node_type",
    "CacheParameterGroupName": "cache_parameter_group_name",
    "Engine": "engine",
    "EngineVersion": "engine_version",
    "NotificationTopicArn": "notification_topic_arn",
    "PreferredMaintenanceWindow": "preferred_maintenance_window",
    "SecurityGroupIds": "security_group_ids",
    "SnapshotWindow": "snapshot_window",
    "TransitEncryptionMode": "transit_encryption_mode",
}


class CacheResponse(ElastiCacheResponse):
    """Moto's handlers, for replication groups that may have a data plane."""

    #: Status of a new group: with a data plane it is in creation until that runs.
    first_status: ClassVar[str] = AVAILABLE

    def create_replication_group(self) -> ActionResult:
        """Handle CreateReplicationGroup; raises for a token that ElastiCache rejects."""
        token = self._get_param("AuthToken")
        encrypts = bool(self._get_bool_param("TransitEncryptionEnabled"))
        _check_token(token, encrypts=encrypts)
        clusters = self._get_int_param("NumCacheClusters")
        if clusters and not self._get_int_param("ReplicasPerNodeGroup"):
            self.params["ReplicasPerNodeGroup"] = clusters - 1  # moto counts by these alone
        answer = super().create_replication_group()
        group: ReplicationGroup = answer.result["ReplicationGroup"]  # type: ignore[index]  # a dict
        group.preferred_maintenance_window = (
            group.preferred_maintenance_window or "sun:05:00-sun:06:00"
        )
        group.status = self.first_status
        attributes(group)["tokens"] = (token,) if token else ()
        if tags := self._get_param("Tags", []):
            self.elasticache_backend.tagging_service.tag_resource(group.arn, tags)
        for name in group.member_clusters:
            self._create_member(name, group)
        return answer

    def modify_replication_group(self) -> ActionResult:
        """Handle ModifyReplicationGroup; omitted members keep their values."""
        group = self._group()
        token, strategy = self._get_param("AuthToken"), self._get_param("AuthTokenUpdateStrategy")
        if token or strategy:
            _check_token(token, encrypts=group.transit_encryption_enabled)
            tokens = _updated(attributes(group)["tokens"], token, strategy or "ROTATE")
            attributes(group)["tokens"] = tokens
            group.auth_token_enabled = bool(tokens)
        answer = super().modify_replication_group()
        given = {attribute: self._get_param(name) for name, attribute in _CHANGEABLE.items()}
        for attribute, value in given.items():
            if value is not None:
                setattr(group, attribute, value)
        for member in _members(self.elasticache_backend, group):
            _follow(member, group)
        return answer

    def delete_replication_group(self) -> ActionResult:
        """Handle DeleteReplicationGroup; the group and its members are gone at once."""
        backend, group = self.elasticache_backend, self._group()
        answer = super().delete_replication_group()
        for member in list(_members(backend, group)):
            del backend.cache_clusters[member.cache_cluster_id]
        del backend.replication_groups[group.replication_group_id]
        return answer

    def modify_cache_subnet_group(self) -> ActionResult:
        """Handle ModifyCacheSubnetGroup."""
        groups, before = self.elasticache_backend.cache_subnet_groups, self._subnet_group()
        name = before.cache_subnet_group_name
        description = self._get_param("CacheSubnetGroupDescription")
        changed = CacheSubnetGroup(
            self.current_account,
            self.region,
            name,
            before.cache_subnet_group_description if description is None else description,
            self._get_param("SubnetIds") or before.subnet_ids,
            before.tags,
        )
        groups[name] = changed
        return ActionResult({"CacheSubnetGroup": changed})

    def delete_cache_subnet_group(self) -> ActionResult:
        """Handle DeleteCacheSubnetGroup; refuses a group that is in use, as ElastiCache does."""
        backend, name = self.elasticache_backend, self._subnet_group().cache_subnet_group_name
        if name in {each.cache_subnet_group_name for each in backend.cache_clusters.values()}:
            raise InvalidParameterCombinationException(
                f"Cache subnet group {name} is currently in use by a cache cluster."
            )
        del backend.cache_subnet_groups[name]
        return EmptyResult()

    def _group(self) -> ReplicationGroup:
        name = self._get_param("ReplicationGroupId")
        return self.elasticache_backend.describe_replication_groups(name)[0]

    def _subnet_group(self) -> CacheSubnetGroup:
        name = self._get_param("CacheSubnetGroupName")
        return self.elasticache_backend.describe_cache_subnet_groups(name)[0]

    def _create_member(self, name: str, group: ReplicationGroup) -> None:
        """Create the cluster of a member, which has the settings of its group."""
        given = dict.fromkeys(_CLUSTER_ARGUMENTS)
        given.update(
            cache_cluster_id=name,
            cache_node_type=group.cache_node_type,
            cache_subnet_group_name=group.cache_subnet_group_name,
            engine=group.engine,
            port=group.port,
            replication_group_id=group.replication_group_id,
        )
        member = self.elasticache_backend.create_cache_cluster(**given)  # type: ignore[arg-type]  # as moto's own handler
        _follow(member, group)


#: Arguments of moto's model that a member of a group leaves empty.
_CLUSTER_ARGUMENTS = tuple(
    name
    for name in ElastiCacheBackend.create_cache_cluster.__annotations__
    if name not in {"return", "self"}
)


def patch_elasticache() -> None:
    """Install these handlers in this process."""
    urls.url_paths["{0}/$"] = CacheResponse.dispatch


def wait_for_data_plane() -> None:
    """Let new replication groups be in creation until their data plane runs."""
    CacheResponse.first_status = CREATING


def attributes(group: ReplicationGroup) -> dict[str, Any]:
    """Return the attributes of moto's object, where ours are stored with the same lifetime."""
    return vars(group)


def described(group: ReplicationGroup) -> Cache:
    """Return what the data plane of a group has to run."""
    return Cache(attributes(group)["tokens"], encrypts=bool(group.transit_encryption_enabled))


def _members(backend: ElastiCacheBackend, group: ReplicationGroup) -> Iterator[CacheCluster]:
    return (
        each
        for each in backend.cache_clusters.values()
        if vars(each).get("replication_group_id") == group.replication_group_id
    )


def _follow(member: CacheCluster, group: ReplicationGroup) -> None:
    """Give a member the settings of its group, in the form of DescribeCacheClusters."""
    engine, asked = group.engine or "redis", group.engine_version or ""
    version = asked if "." in asked else _VERSIONS.get(engine, "7.1")
    family = f"{engine}{version.partition('.')[0]}"
    parameters = group.cache_parameter_group_name or f"default.{family}"
    vars(member).update(
        engine=engine,
        engine_version=version if version.count(".") > 1 else f"{version}.0",
        num_cache_nodes=1,
        replication_group_id=group.replication_group_id,
        cache_node_type=group.cache_node_type,
        cache_parameter_group={"CacheParameterGroupName": parameters},
        security_groups=[
            {"SecurityGroupId": name, "Status": "active"} for name in group.security_group_ids or ()
        ],
        preferred_maintenance_window=group.preferred_maintenance_window,
        auto_minor_version_upgrade=group.auto_minor_version_upgrade,
        auth_token_enabled=group.auth_token_enabled,
        at_rest_encryption_enabled=group.at_rest_encryption_enabled,
        transit_encryption_enabled=group.transit_encryption_enabled,
        transit_encryption_mode=group.transit_encryption_mode,
    )


def _updated(tokens: tuple[str, ...], token: str | None, strategy: str) -> tuple[str, ...]:
    """The tokens after a change: ROTATE keeps the last one, so that both are valid."""
    if strategy == "DELETE":
        return ()
    if not token:
        raise InvalidParameterCombinationException("An AUTH token is needed for this strategy.")
    if strategy == "SET":
        if tokens[-1:] != (token,):
            raise InvalidParameterCombinationException(
                "The strategy SET needs the AUTH token of the last ROTATE."
            )
        return (token,)
    if strategy == "ROTATE":
        return (*tokens[-1:], token)
    raise InvalidParameterValueException(f"Invalid AuthTokenUpdateStrategy: {strategy}")


def _check_token(token: str | None, *, encrypts: bool) -> None:
    if not token:
        return
    if not encrypts:
        raise InvalidParameterCombinationException(
            "The AUTH token is only supported when encryption-in-transit is enabled"
        )
    if len(token) not in _TOKEN_LENGTHS:
        raise InvalidParameterValueException(
            "Invalid AuthToken provided. The AuthToken must be 16 to 128 characters long."
        )
