"""Reads the state of what the workers depend on: broker, database, scaling, network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from gradectl.adapters.aws.errors import translated
from gradectl.adapters.aws.state_models import IngressRule, ManagedState, TargetHealth
from grader.ports.messages import QueueStatistics

_BROKER_READY = "RUNNING"
#: States in which an instance accepts connections.
_DATABASE_READY = frozenset({"available", "backing-up", "storage-optimization"})
_REDIS_READY = frozenset({"available", "modifying", "snapshotting"})
_ALL_PORTS = (0, 65535)
#: CloudWatch gets the counters of Amazon MQ every minute, and some minutes late.
_METRIC_MINUTES = 10
#: Nodes of a broker; of a pair, the standby node has no counters.
_NODES = (1, 2)
_METRICS = ("QueueSize", "InFlightCount", "ConsumerCount", "ProducerCount")


class States:
    """
    States of managed services; every call is a read.

    Args:
        client: Makes a boto3 client from the name of a service.
    """

    def __init__(self, client: Callable[[str], Any]) -> None:
        self._client = client

    def broker(self, name: str) -> ManagedState | None:
        """Describe a broker by its name; None when it does not exist."""
        mq = self._client("mq")
        with translated(f"broker {name}"):
            pages = mq.get_paginator("list_brokers").paginate()
            ids = [
                each["BrokerId"]
                for page in pages
                for each in page["BrokerSummaries"]
                if each["BrokerName"] == name
            ]
            if not ids:
                return None
            found = mq.describe_broker(BrokerId=ids[0])
        endpoints = (
            endpoint
            for node in found.get("BrokerInstances", [])
            for endpoint in node.get("Endpoints", [])
        )
        return ManagedState(
            name=name,
            state=found["BrokerState"],
            ready=found["BrokerState"] == _BROKER_READY,
            engine=f"{found['EngineType']} {found.get('EngineVersion', '')}".strip(),
            security_groups=tuple(found.get("SecurityGroups") or ()),
            users=tuple(user["Username"] for user in found.get("Users", [])),
            endpoints=tuple(each for each in endpoints if each.startswith("stomp")),
        )

    def database(self, identifier: str) -> ManagedState | None:
        """Describe a database instance; None when it does not exist."""
        rds = self._client("rds")
        with translated(f"database {identifier}"):
            try:
                answer = rds.describe_db_instances(DBInstanceIdentifier=identifier)
            except rds.exceptions.DBInstanceNotFoundFault:
                return None
        found = answer["DBInstances"][0]
        return ManagedState(
            name=identifier,
            state=found["DBInstanceStatus"],
            ready=found["DBInstanceStatus"] in _DATABASE_READY,
            engine=f"{found['Engine']} {found.get('EngineVersion', '')}".strip(),
            security_groups=tuple(
                each["VpcSecurityGroupId"] for each in found.get("VpcSecurityGroups", [])
            ),
        )

    def redis(self, group: str) -> ManagedState | None:
        """Describe a replication group; None when it does not exist."""
        elasticache = self._client("elasticache")
        with translated(f"replication group {group}"):
            try:
                answer = elasticache.describe_replication_groups(ReplicationGroupId=group)
            except elasticache.exceptions.ReplicationGroupNotFoundFault:
                return None
        found = answer["ReplicationGroups"][0]
        return ManagedState(
            name=group,
            state=found["Status"],
            ready=found["Status"] in _REDIS_READY,
            engine=str(found.get("Engine") or "redis"),
        )

    def targets(self, target_groups: Sequence[str]) -> tuple[TargetHealth, ...]:
        """Health of the targets of these groups, by their ARNs."""
        elb = self._client("elbv2")
        with translated("targets of the load balancer"):
            found = [
                each
                for arn in target_groups
                for each in elb.describe_target_health(TargetGroupArn=arn)[
                    "TargetHealthDescriptions"
                ]
            ]
        return tuple(
            TargetHealth(
                f"{each['Target']['Id']}:{each['Target'].get('Port', '')}",
                each["TargetHealth"]["State"],
                each["TargetHealth"].get("Description", ""),
            )
            for each in found
        )

    def scaling_bounds(self, cluster: str, service: str) -> tuple[int, int] | None:
        """Minimum and maximum number of tasks of a service; None when it is not scaled."""
        with translated("Application Auto Scaling"):
            answer = self._client("application-autoscaling").describe_scalable_targets(
                ServiceNamespace="ecs",
                ResourceIds=[f"service/{cluster}/{service}"],
                ScalableDimension="ecs:service:DesiredCount",
            )
        targets = answer["ScalableTargets"]
        return (targets[0]["MinCapacity"], targets[0]["MaxCapacity"]) if targets else None

    def cpu_percent(self, cluster: str, service: str, now: datetime | None = None) -> float | None:
        """
        Average use of the CPU of a service's tasks, which is some minutes old.

        Args:
            cluster: The cluster.
            service: The service.
            now: End of the time that is looked at; this moment when absent.

        Returns:
            Percent of what the tasks may use; None when CloudWatch has no value, for example
            because no task runs.
        """
        end = now or datetime.now(UTC)
        names = {"ClusterName": cluster, "ServiceName": service}
        with translated("CloudWatch"):
            answer = self._client("cloudwatch").get_metric_statistics(
                Namespace="AWS/ECS",
                MetricName="CPUUtilization",
                Dimensions=[{"Name": name, "Value": value} for name, value in names.items()],
                StartTime=end - timedelta(minutes=_METRIC_MINUTES),
                EndTime=end,
                Period=_METRIC_MINUTES * 60,
                Statistics=["Average"],
            )
        points = sorted(answer["Datapoints"], key=lambda each: each["Timestamp"])
        return float(points[-1]["Average"]) if points else None

    def ingress(self, groups: Sequence[str]) -> tuple[IngressRule, ...]:
        """What security groups accept over TCP; from other groups, or from addresses."""
        if not groups:
            return ()
        with translated("security groups"):
            answer = self._client("ec2").describe_security_groups(GroupIds=sorted(set(groups)))
        rules: list[IngressRule] = []
        for group in answer["SecurityGroups"]:
            for permission in group.get("IpPermissions", []):
                if permission.get("IpProtocol") not in ("tcp", "-1"):
                    continue
                ports = (
                    permission.get("FromPort", _ALL_PORTS[0]),
                    permission.get("ToPort", _ALL_PORTS[1]),
                )
                sources = [each["GroupId"] for each in permission.get("UserIdGroupPairs", [])]
                if permission.get("IpRanges") or permission.get("PrefixListIds"):
                    sources.append("")
                rules += [IngressRule(group["GroupId"], *ports, source) for source in sources]
        return tuple(rules)

    def queue_metrics(
        self, broker: str, queues: Sequence[str], now: datetime | None = None
    ) -> dict[str, QueueStatistics]:
        """
        The latest counters of queues in CloudWatch, which are a few minutes old.

        Args:
            broker: Name of the broker.
            queues: The queues.
            now: End of the time that is looked at; this moment when absent.

        Returns:
            The counters of those queues that have any.
        """
        end = now or datetime.now(UTC)
        queries = [
            _metric_query(_query_id(node, at, metric), f"{broker}-{node}", queue, metric)
            for node in _NODES
            for at, queue in enumerate(queues)
            for metric in _METRICS
        ]
        with translated("CloudWatch"):
            answer = self._client("cloudwatch").get_metric_data(
                MetricDataQueries=queries,
                StartTime=end - timedelta(minutes=_METRIC_MINUTES),
                EndTime=end,
                ScanBy="TimestampDescending",
            )
        latest = {each["Id"]: each for each in answer["MetricDataResults"] if each["Values"]}
        found = {}
        for at, queue in enumerate(queues):
            sizes = [(node, latest.get(_query_id(node, at, _METRICS[0]))) for node in _NODES]
            known = [(size["Timestamps"][0], node) for node, size in sizes if size]
            if known:
                taken_at, node = max(known)
                results = [latest.get(_query_id(node, at, metric)) for metric in _METRICS]
                size, in_flight, consumers, producers = (
                    int(each["Values"][0]) if each else 0 for each in results
                )
                taken_at_ms = int(taken_at.timestamp() * 1000)
                counts = (size, in_flight, consumers, producers)
                found[queue] = QueueStatistics(queue, *counts, 0, 0, 0, taken_at_ms)
        return found


def _query_id(node: int, at: int, metric: str) -> str:
    return f"n{node}q{at}_{metric.lower()}"


def _metric_query(query_id: str, node: str, queue: str, metric: str) -> dict[str, Any]:
    dimensions = [{"Name": "Broker", "Value": node}, {"Name": "Queue", "Value": queue}]
    return {
        "Id": query_id,
        "MetricStat": {
            "Metric": {
                "Namespace": "AWS/AmazonMQ",
                "MetricName": metric,
                "Dimensions": dimensions,
            },
            "Period": 60,
            "Stat": "Average",
        },
    }
