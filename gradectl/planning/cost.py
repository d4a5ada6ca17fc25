"""The monthly cost of an environment: quantities from the plan, prices from a table, arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gradectl.planning.plan import Plan, Resource

#: Hours of an average month, as AWS counts them.
HOURS = 730
_CPU_UNITS = 1024  # of a vCPU in a task definition
_MIB = 1024  # of a GB in a task definition
_INCLUDED_GIB = 20  # ephemeral storage of a task without a charge
_DETAILED_METRICS = 7  # of an instance with detailed monitoring

#: Types without a charge of their own, as prefixes.
_FREE = (
    "aws_appautoscaling_",
    "aws_autoscaling_policy",
    "aws_cloudwatch_event_",
    "aws_cloudwatch_log_resource_policy",
    "aws_db_parameter_group",
    "aws_db_subnet_group",
    "aws_default_",
    "aws_ecr_lifecycle_policy",
    "aws_ecr_repository_policy",
    "aws_ecs_capacity_provider",
    "aws_ecs_cluster_capacity_providers",
    "aws_ecs_task_definition",
    "aws_iam_",
    "aws_internet_gateway",
    "aws_kms_alias",
    "aws_kms_key_policy",
    "aws_lambda_permission",
    "aws_launch_template",
    "aws_lb_",
    "aws_mq_configuration",
    "aws_network_acl",
    "aws_route_table",
    "aws_s3_bucket_",
    "aws_security_group",
    "aws_sns_topic_policy",
    "aws_sns_topic_subscription",
    "aws_sqs_queue_policy",
    "aws_subnet",
    "aws_vpc_security_group_",
    "aws_wafv2_web_acl_association",
    "random_",
    "terraform_data",
)
_FREE_EXACT = frozenset({"aws_route", "aws_vpc"})


@dataclass(frozen=True)
class Price:
    """
    One line of the table of prices.

    Attributes:
        key: Name of the billed item.
        region: AWS region.
        usd: US dollars for one unit; None when it is unknown.
        unit: The billed unit.
        source: Where the number is from.
        date: When it was read.
    """

    key: str
    region: str
    usd: float | None
    unit: str
    source: str
    date: str


@dataclass(frozen=True)
class CostLine:
    """
    One billed item of a resource.

    Attributes:
        address: Terraform's address of the resource.
        item: The billed item.
        least: Units a month with the fewest tasks or instances; None when it is unknown.
        most: Units a month with the most of them.
        price: The price; its `usd` may be None.
        by_use: True when the bill depends on use, so that there is no quantity.
    """

    address: str
    item: str
    least: float | None
    most: float | None
    price: Price
    by_use: bool = False

    @property
    def usd(self) -> tuple[float, float] | None:
        """Dollars a month, least and most; None when the quantity or the price is unknown."""
        if self.by_use or self.price.usd is None or self.least is None or self.most is None:
            return None
        return self.least * self.price.usd, self.most * self.price.usd

    @property
    def unknown(self) -> bool:
        """Whether the line should have an amount and has none."""
        return not self.by_use and self.usd is None


@dataclass(frozen=True)
class Estimate:
    """The cost of all resources for a month."""

    lines: tuple[CostLine, ...]

    @property
    def least(self) -> float:
        """Dollars a month with the fewest tasks, of the lines that have an amount."""
        return sum(line.usd[0] for line in self.lines if line.usd)

    @property
    def most(self) -> float:
        """Dollars a month with the most tasks, of the lines that have an amount."""
        return sum(line.usd[1] for line in self.lines if line.usd)

    @property
    def unknown(self) -> tuple[CostLine, ...]:
        """The lines without an amount, which are not part of the total."""
        return tuple(line for line in self.lines if line.unknown)

    @property
    def by_use(self) -> tuple[CostLine, ...]:
        """The lines that are billed by use, which are not part of the total."""
        return tuple(line for line in self.lines if line.by_use)


@dataclass(frozen=True)
class CostChange:
    """The estimates before and after the changes of a plan."""

    before: Estimate
    after: Estimate


class PriceTable:
    """
    The prices of all regions.

    Args:
        prices: The lines; a later one replaces an earlier one of the same key and region.
    """

    def __init__(self, prices: Sequence[Price]) -> None:
        self._prices = {(price.key, price.region): price for price in prices}

    def find(self, key: str, region: str) -> Price:
        """Return a price; an unknown one when the table has no line for it."""
        missing = Price(key, region, None, "", "no line in the table of prices", "")
        return self._prices.get((key, region), missing)


@dataclass(frozen=True)
class _Item:
    """A billed item: key of its price, what it is, and units a month; None when unknown."""

    key: str
    name: str
    least: float | None = None
    most: float | None = None
    by_use: bool = False


@dataclass(frozen=True)
class _Side:
    """All resources before or after the changes, with their values."""

    resources: tuple[tuple[Resource, Mapping[str, Any]], ...]

    def of(self, kind: str, module: str) -> Iterator[Mapping[str, Any]]:
        """The values of all resources of a type in a module."""
        return (
            values
            for resource, values in self.resources
            if resource.kind == kind and resource.module == module
        )


def cost_change(plan: Plan, prices: PriceTable, region: str) -> CostChange:
    """
    Estimate the monthly cost before and after a plan.

    Args:
        plan: The plan.
        prices: The prices.
        region: The region of the environment.
    """
    before = [(each, each.before) for each in plan.resources if isinstance(each.before, Mapping)]
    after = [(each, each.after) for each in plan.resources if isinstance(each.after, Mapping)]
    return CostChange(
        _estimate(_Side(tuple(before)), prices, region),
        _estimate(_Side(tuple(after)), prices, region),
    )


def _estimate(side: _Side, prices: PriceTable, region: str) -> Estimate:
    """Multiply the quantities of one side by their prices."""
    return Estimate(
        tuple(
            CostLine(
                resource.address,
                item.name,
                item.least,
                item.most,
                prices.find(item.key, region),
                item.by_use,
            )
            for resource, values in side.resources
            for item in _items(resource, values, side)
        )
    )


def _items(resource: Resource, values: Mapping[str, Any], side: _Side) -> list[_Item]:
    """The billed items of a resource; types that nothing is known about are one unknown item."""
    meter = _METERS.get(resource.kind)
    if meter:
        return meter(resource, values, side)
    if resource.kind in _FREE_EXACT or resource.kind.startswith(_FREE):
        return []
    return [_Item(resource.kind, resource.kind)]


def _service(resource: Resource, values: Mapping[str, Any], side: _Side) -> list[_Item]:
    """Tasks of a service: vCPU and memory, between the bounds of autoscaling."""
    task = next(side.of("aws_ecs_task_definition", resource.module), None)
    strategy = values.get("capacity_provider_strategy") or []
    providers = {str(each.get("capacity_provider")) for each in strategy}
    if providers and not providers & {"FARGATE", "FARGATE_SPOT"}:
        return []  # its instances are billed
    tasks = _tasks(resource, values, side)
    sized = task and _number(task.get("cpu")) and _number(task.get("memory"))
    if task is None or tasks is None or not sized:
        return [_Item("fargate", "tasks of unknown size or number")]
    fewest, most = tasks
    spot = any(
        each.get("capacity_provider") == "FARGATE_SPOT" and _number(each.get("weight"))
        for each in strategy
    )
    base = max((_number(each.get("base")) for each in strategy), default=0)
    items = _sized(task, min(fewest, base) if spot else fewest, min(most, base) if spot else most)
    if spot:
        items.append(_Item("fargate-spot", "tasks beyond those on Fargate, on Spot"))
    return items


def _sized(task: Mapping[str, Any], fewest: float, most: float) -> list[_Item]:
    """The vCPU and the memory of tasks on Fargate."""
    platform: Mapping[str, Any] = next(iter(task.get("runtime_platform") or []), {})
    chip = "arm" if platform.get("cpu_architecture") == "ARM64" else "x86"
    cpu, memory = _number(task["cpu"]) / _CPU_UNITS, _number(task["memory"]) / _MIB
    storage: Mapping[str, Any] = next(iter(task.get("ephemeral_storage") or []), {})
    items = [
        _Item(f"fargate-{chip}-vcpu", "vCPU", fewest * HOURS * cpu, most * HOURS * cpu),
        _Item(f"fargate-{chip}-memory", "memory", fewest * HOURS * memory, most * HOURS * memory),
    ]
    more = (_number(storage.get("size_in_gib")) - _INCLUDED_GIB) * HOURS
    if more > 0:
        name = "ephemeral storage beyond 20 GiB"
        items.append(_Item("fargate-storage", name, fewest * more, most * more))
    return items


def _tasks(
    resource: Resource, values: Mapping[str, Any], side: _Side
) -> tuple[float, float] | None:
    """Fewest and most tasks: the bounds of autoscaling and its schedules, or the fixed number."""
    targets = list(side.of("aws_appautoscaling_target", resource.module))
    for scheduled in side.of("aws_appautoscaling_scheduled_action", resource.module):
        targets += scheduled.get("scalable_target_action") or []
    fewest = [_number(each["min_capacity"]) for each in targets if _given(each, "min_capacity")]
    most = [_number(each["max_capacity"]) for each in targets if _given(each, "max_capacity")]
    if not (fewest and most) and not _given(values, "desired_count"):
        return None
    fixed = _number(values.get("desired_count"))
    return min(fewest, default=fixed), max(most, default=fixed)


def _instances(resource: Resource, values: Mapping[str, Any], side: _Side) -> list[_Item]:
    """Instances of a group, of the type and with the disks and metrics of its launch template."""
    template: Mapping[str, Any] = next(side.of("aws_launch_template", resource.module), {})
    kind = str(template.get("instance_type") or "instance of unknown type")

    def item(key: str, name: str, units: float) -> _Item:
        fewest, most = (
            _number(values[bound]) * units if units and _given(values, bound) else None
            for bound in ("min_size", "max_size")
        )
        return _Item(key, name, fewest, most)

    items = [
        item(f"ec2-{kind}", kind, HOURS),
        item("ebs-gp3", "disks of the instances", _disk_gigabytes(template)),
    ]
    if any(each.get("enabled") for each in template.get("monitoring") or []):
        items.append(item("custom-metric", "detailed monitoring", _DETAILED_METRICS))
    return items


def _disk_gigabytes(template: Mapping[str, Any]) -> float:
    """Size of all gp3 disks of an instance; 0 when one has another type or no size."""
    devices = template.get("block_device_mappings") or []
    disks = [disk for device in devices for disk in device.get("ebs") or []]
    if any(disk.get("volume_type") != "gp3" or not disk.get("volume_size") for disk in disks):
        return 0
    return sum(_number(disk["volume_size"]) for disk in disks)


def _endpoint(resource: Resource, values: Mapping[str, Any], side: _Side) -> list[_Item]:
    """An interface endpoint in each zone of its subnets; gateway endpoints are free."""
    if values.get("vpc_endpoint_type") != "Interface":
        return []
    subnets = values.get("subnet_ids")
    zones = (
        len(subnets)
        if isinstance(subnets, list) and subnets
        else len({each.get("availability_zone") for each in side.of("aws_subnet", resource.module)})
    )
    hours = zones * HOURS if zones else None
    return [
        _Item("interface-endpoint", "interface endpoint", hours, hours),
        _Item("interface-endpoint-data", "data through the endpoint", by_use=True),
    ]


def _database(_resource: Resource, values: Mapping[str, Any], _side: _Side) -> list[_Item]:
    """An instance and its storage."""
    multi = "-multi-az" if values.get("multi_az") else ""
    engine, size = values.get("engine"), values.get("instance_class")
    gigabytes = _number(values.get("allocated_storage")) or None
    most = max(_number(values.get("max_allocated_storage")), gigabytes or 0) or None
    return [
        _Item(f"rds-{engine}-{size}{multi}", f"{size}{multi}", HOURS, HOURS),
        _Item(f"rds-storage-{values.get('storage_type')}{multi}", "storage", gigabytes, most),
        _Item("rds-backup", "backups beyond the size of the database", by_use=True),
        *_above_baseline(values),
    ]


def _above_baseline(values: Mapping[str, Any]) -> list[_Item]:
    """What a database with gp3 has beyond its baseline, which is included from 400 GB on."""
    if values.get("storage_type") != "gp3":
        return []
    kinds = (("iops", 12000, "IOPS"), ("storage_throughput", 500, "MiB per second"))
    found = [(name, unit, _number(values.get(name)) - least) for name, least, unit in kinds]
    return [
        _Item(f"rds-gp3-{name}", f"{unit} beyond the baseline", more, more)
        for name, unit, more in found
        if more > 0
    ]


def _broker(_resource: Resource, values: Mapping[str, Any], _side: _Side) -> list[_Item]:
    """A broker, or a pair in two zones."""
    pair = "" if values.get("deployment_mode") == "SINGLE_INSTANCE" else "-pair"
    size = values.get("host_instance_type")
    return [
        _Item(f"mq-{size}{pair}", f"{size}{pair}", 1, 1),
        _Item("mq-storage", "storage of messages", by_use=True),
    ]


def _load_balancer(_resource: Resource, values: Mapping[str, Any], _side: _Side) -> list[_Item]:
    """A load balancer; a public one has a public address in each zone."""
    items = [
        _Item("load-balancer", "load balancer", HOURS, HOURS),
        _Item("load-balancer-use", "requests (LCU)", by_use=True),
    ]
    if values.get("internal") is False:
        subnets = values.get("subnets")
        count = len(subnets) * HOURS if isinstance(subnets, list) and subnets else None
        items.append(_Item("public-ipv4", "public addresses", count, count))
        items.append(_Item("data-out", "data to the internet", by_use=True))
    return items


def _alarm(_resource: Resource, values: Mapping[str, Any], _side: _Side) -> list[_Item]:
    """An alarm is billed for each metric that it reads."""
    metrics = sum(1 for query in values.get("metric_query") or [] if query.get("metric"))
    return [_Item("alarm-metric", "metrics of the alarm", metrics or 1, metrics or 1)]


def _parameter(_resource: Resource, values: Mapping[str, Any], _side: _Side) -> list[_Item]:
    """Standard parameters are free."""
    standard = values.get("tier", "Standard") in ("Standard", None)
    return [] if standard else [_Item("ssm-advanced-parameter", "advanced parameter", 1, 1)]


def _cluster(_resource: Resource, values: Mapping[str, Any], _side: _Side) -> list[_Item]:
    """Container Insights bills the metrics of each task."""
    on = any(each.get("value") in ("enabled", "enhanced") for each in values.get("setting") or [])
    return [_Item("custom-metric", "metrics of Container Insights", by_use=True)] if on else []


def _fixed(key: str, name: str, units: float, *uses: tuple[str, str]) -> _Meter:
    """A fixed quantity a month, and items by use as key and name."""

    def meter(_resource: Resource, _values: Mapping[str, Any], _side: _Side) -> list[_Item]:
        return [_Item(key, name, units, units), *(_Item(*use, by_use=True) for use in uses)]

    return meter


def _used(*uses: tuple[str, str]) -> _Meter:
    """Items by use only, as key and name."""

    def meter(_resource: Resource, _values: Mapping[str, Any], _side: _Side) -> list[_Item]:
        return [_Item(*use, by_use=True) for use in uses]

    return meter


def _given(values: Mapping[str, Any], name: str) -> bool:
    """Whether a value is set; the provider has some numbers as texts."""
    return values.get(name) not in (None, "")


def _number(value: object) -> float:
    """A number or a text of one; 0 for anything else, such as a value that is not known yet."""
    try:
        return float(value) if isinstance(value, int | float | str) else 0.0
    except ValueError:
        return 0.0


_Meter = Callable[[Resource, Mapping[str, Any], _Side], list[_Item]]
_METERS: dict[str, _Meter] = {
    "aws_autoscaling_group": _instances,
    "aws_cloudwatch_composite_alarm": _fixed("composite-alarm", "composite alarm", 1),
    "aws_cloudwatch_log_group": _used(
        ("logs-ingested", "logs written"), ("logs-stored", "logs kept")
    ),
    "aws_cloudwatch_log_metric_filter": _fixed("custom-metric", "metric", 1),
    "aws_cloudwatch_metric_alarm": _alarm,
    "aws_db_instance": _database,
    "aws_ecr_repository": _used(("ecr-storage", "images")),
    "aws_ecs_cluster": _cluster,
    "aws_ecs_service": _service,
    "aws_eip": _fixed("public-ipv4", "public address", HOURS),
    "aws_flow_log": _used(("logs-ingested", "flow logs")),
    "aws_kms_key": _fixed("kms-key", "KMS key", 1),
    "aws_lb": _load_balancer,
    "aws_mq_broker": _broker,
    "aws_nat_gateway": _fixed(
        "nat-gateway", "NAT gateway", HOURS, ("nat-gateway-data", "data through the gateway")
    ),
    "aws_s3_bucket": _used(("s3-storage", "files"), ("s3-writes", "PUT requests")),
    "aws_secretsmanager_secret": _fixed("secret", "secret", 1),
    "aws_sns_topic": _used(("sns-messages", "messages")),
    "aws_sqs_queue": _used(("sqs-requests", "requests")),
    "aws_ssm_parameter": _parameter,
    "aws_vpc_endpoint": _endpoint,
}
