"""The monthly cost: quantities from the plan, prices from the table, and what is not known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from plans import item, plan_of

from gradectl.environment import load
from gradectl.errors import ConfigurationError
from gradectl.planning import price_file
from gradectl.planning.cost import CostLine, Estimate, PriceTable, cost_change
from gradectl.planning.cost_report import document, headline, markdown, rows
from gradectl.planning.price_file import read_prices

SEOUL, VIRGINIA = "ap-northeast-2", "us-east-1"
TASK = {"cpu": "1024", "memory": "2048", "runtime_platform": [{"cpu_architecture": "X86_64"}]}
BOUNDS = {"min_capacity": 1, "max_capacity": 10}


#: The prices of the package alone.
PRICES = read_prices(Path("/nonexistent"))


def after(*items: dict[str, Any], region: str = SEOUL, prices: PriceTable = PRICES) -> Estimate:
    """The estimate after the creation of resources."""
    return cost_change(plan_of(*items), prices, region).after


def workers(
    service: dict[str, Any] | None = None,
    task: dict[str, Any] | None = None,
    bounds: dict[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """A service with its task definition and its bounds."""
    return [
        item("module.w.aws_ecs_service.this", {"desired_count": 2, **(service or {})}),
        item("module.w.aws_ecs_task_definition.this", {**TASK, **(task or {})}),
        item("module.w.aws_appautoscaling_target.this", {**BOUNDS, **(bounds or {})}),
    ]


def line(estimate: Estimate, name: str) -> CostLine:
    """The line of an item."""
    (found,) = [each for each in estimate.lines if each.item == name]
    return found


def test_workers_cost_their_vcpu_and_memory_between_the_bounds_of_autoscaling() -> None:
    """730 hours x 1 vCPU x 0.04656, and 730 hours x 2 GB x 0.00511, for 1 to 10 tasks."""
    found = after(*workers())

    assert line(found, "vCPU").usd == pytest.approx((33.9888, 339.888))
    assert line(found, "memory").usd == pytest.approx((7.4606, 74.606))
    assert (found.least, found.most) == pytest.approx((41.4494, 414.494))
    assert not found.unknown


def test_graviton_has_its_own_price() -> None:
    """The architecture of the task definition decides."""
    arm = after(*workers(task={"runtime_platform": [{"cpu_architecture": "ARM64"}]}))

    assert line(arm, "vCPU").usd == pytest.approx((27.1925, 271.925))


def test_a_schedule_moves_the_bounds() -> None:
    """The most expensive month has the maximum of exam hours; the provider has it as a text."""
    schedule = {"scalable_target_action": [{"min_capacity": "", "max_capacity": "40"}]}
    found = after(
        *workers(), item('module.w.aws_appautoscaling_scheduled_action.this["exam"]', schedule)
    )

    assert line(found, "vCPU").usd == pytest.approx((33.9888, 40 * 33.9888))


def test_tasks_on_spot_have_no_price() -> None:
    """It changes with supply; the tasks on Fargate are counted all the same."""
    strategy = [
        {"capacity_provider": "FARGATE", "base": 1, "weight": 0},
        {"capacity_provider": "FARGATE_SPOT", "base": 0, "weight": 1},
    ]
    found = after(*workers({"capacity_provider_strategy": strategy}))

    assert line(found, "vCPU").usd == pytest.approx((33.9888, 33.9888))
    assert [each.item for each in found.unknown] == ["tasks beyond those on Fargate, on Spot"]


def test_workers_on_instances_are_billed_as_instances() -> None:
    """Their service costs nothing; the price of the type is unknown in this region."""
    service = {"capacity_provider_strategy": [{"capacity_provider": "own", "weight": 1}]}
    group = item("module.w.aws_autoscaling_group.this", {"min_size": 0, "max_size": 3})
    disk = {"ebs": [{"volume_type": "gp3", "volume_size": 50}]}
    template = item(
        "module.w.aws_launch_template.this",
        {
            "instance_type": "m6i.large",
            "block_device_mappings": [disk],
            "monitoring": [{"enabled": True}],
        },
    )
    found = after(*workers(service), group, template)

    assert {each.item for each in found.unknown} == {"m6i.large"}
    assert line(found, "disks of the instances").usd == pytest.approx((0, 3 * 50 * 0.0912))
    assert line(found, "detailed monitoring").usd == pytest.approx((0, 3 * 7 * 0.30))
    assert (line(found, "m6i.large").least, line(found, "m6i.large").most) == (0, 3 * 730)


@pytest.mark.parametrize(
    "disk", [{"volume_type": "io2", "volume_size": 50}, {"volume_type": "gp3"}], ids=str
)
def test_a_disk_of_another_type_or_unknown_size_is_unknown(disk: dict[str, Any]) -> None:
    """It is not taken for a cheaper one."""
    found = after(
        item("module.w.aws_autoscaling_group.this", {"min_size": 1, "max_size": 1}),
        item("module.w.aws_launch_template.this", {"block_device_mappings": [{"ebs": [disk]}]}),
    )

    assert "disks of the instances" in {each.item for each in found.unknown}


def test_storage_of_a_task_beyond_20_gib_is_billed_by_the_hour() -> None:
    """For each task."""
    found = after(*workers(task={"ephemeral_storage": [{"size_in_gib": 50}]}), region=VIRGINIA)

    most = 10 * 30 * 730 * 0.000111
    name = "ephemeral storage beyond 20 GiB"
    assert line(found, name).usd == pytest.approx((most / 10, most))


def test_an_unknown_number_of_tasks_is_unknown() -> None:
    """It is not taken for zero."""
    found = after(
        item("aws_ecs_service.this", {}), item("aws_ecs_task_definition.this", dict(TASK))
    )

    assert [each.item for each in found.unknown] == ["tasks of unknown size or number"]


@pytest.mark.parametrize(
    ("subnets", "expected"),
    [({"subnet_ids": ["a", "b", "c"]}, 3 * 730 * 0.013), ({}, 2 * 730 * 0.013)],
)
def test_an_endpoint_costs_its_zones(subnets: dict[str, Any], expected: float) -> None:
    """Those of its subnets; before the first apply, those of the subnets of its module."""
    found = after(
        item("module.n.aws_vpc_endpoint.this", {"vpc_endpoint_type": "Interface", **subnets}),
        item("module.n.aws_vpc_endpoint.s3", {"vpc_endpoint_type": "Gateway"}),
        *[
            item(f"module.n.aws_subnet.{name}", {"availability_zone": name[0]})
            for name in ("a1", "a2", "b1")
        ],
    )

    assert found.most == pytest.approx(expected)
    assert [each.item for each in found.by_use] == ["data through the endpoint"]


def test_an_endpoint_in_unknown_zones_is_unknown() -> None:
    """With an existing VPC the plan of the first apply may not have them."""
    found = after(item("aws_vpc_endpoint.this", {"vpc_endpoint_type": "Interface"}))

    assert [each.item for each in found.unknown] == ["interface endpoint"]


def test_a_nat_gateway_costs_its_hours_its_address_and_its_data() -> None:
    """The data is listed as by use, with its price."""
    found = after(item("aws_nat_gateway.this", {}), item("aws_eip.this", {}))

    assert found.most == pytest.approx(730 * 0.059 + 730 * 0.005)
    assert [(each.item, each.price.usd) for each in found.by_use] == [
        ("data through the gateway", 0.059)
    ]


def test_an_alarm_costs_each_of_its_metrics() -> None:
    """An expression over three metrics is three."""
    expression = {"metric_query": [{"metric": [{}]}, {"metric": [{}]}, {"metric": []}]}
    found = after(
        item('aws_cloudwatch_metric_alarm.this["a"]', {"metric_query": []}),
        item('aws_cloudwatch_metric_alarm.this["b"]', expression),
    )

    assert found.most == pytest.approx(0.3)
    assert rows(found)[0][:3] == (
        "aws_cloudwatch_metric_alarm.this",
        "metrics of the alarm",
        "3 metric-month",
    )


@pytest.mark.parametrize(
    ("values", "price"),
    [
        ({"host_instance_type": "mq.m5.large", "deployment_mode": "SINGLE_INSTANCE"}, 210.24),
        (
            {"host_instance_type": "mq.m5.large", "deployment_mode": "ACTIVE_STANDBY_MULTI_AZ"},
            420.48,
        ),
        ({"host_instance_type": "mq.t3.micro", "deployment_mode": "SINGLE_INSTANCE"}, None),
    ],
)
def test_a_broker_has_a_price_only_where_a_source_exists(
    values: dict[str, Any], price: float | None
) -> None:
    """In us-east-1 for one size; nowhere else, and never a guess."""
    broker = item("aws_mq_broker.this", values)

    assert after(broker, region=VIRGINIA).lines[0].price.usd == price
    assert after(broker).unknown
    assert after(broker).most == 0


@pytest.mark.parametrize(
    ("region", "bounds"), [(SEOUL, (20.87, 31.35)), (VIRGINIA, (13.98, 23.18))]
)
def test_a_database_costs_its_hours_and_its_storage(
    region: str, bounds: tuple[float, float]
) -> None:
    """730 hours of the instance; the storage grows up to its maximum."""
    found = after(
        item(
            "aws_db_instance.this",
            {
                "engine": "mysql",
                "instance_class": "db.t4g.micro",
                "storage_type": "gp3",
                "allocated_storage": 20,
                "max_allocated_storage": 100,
            },
        ),
        region=region,
    )

    assert (found.least, found.most) == pytest.approx(bounds)
    assert not found.unknown


def test_iops_and_throughput_are_billed_beyond_their_baseline() -> None:
    """They have no price in the table, so they are named; the baseline of gp3 is included."""
    values = {"engine": "mysql", "instance_class": "db.m7g.large", "storage_type": "gp3"}
    baseline = after(item("aws_db_instance.this", {**values, "iops": 3000}))
    faster = after(
        item("aws_db_instance.this", {**values, "iops": 16000, "storage_throughput": 1000})
    )

    assert [each.item for each in faster.unknown if each not in baseline.unknown] == [
        "IOPS beyond the baseline",
        "MiB per second beyond the baseline",
    ]
    assert [each.least for each in faster.unknown][-2:] == [4000, 500]


def queues(module: str = "module.sqs", **values: Any) -> list[dict[str, Any]]:
    """The queues of an environment."""
    return [
        item(f'{module}.aws_sqs_queue.this["{name}"]', {"name": f"dev-grading-{name}", **values})
        for name in ("requests", "priority", "results", "dlq")
    ]


def test_waiting_workers_bill_their_polls_and_the_jobs_are_billed_by_use() -> None:
    """Each of 1 to 10 workers polls two queues every 20 seconds: 730 hours x 180, twice."""
    found = after(*workers(), *queues())
    polls = [each for each in found.lines if each.item == "polls of waiting workers"]

    assert [each.address[-12:] for each in polls] == ['["priority"]', '["requests"]']
    assert [(each.least, each.most) for each in polls] == [pytest.approx((0.1314, 1.314))] * 2
    assert polls[0].usd == pytest.approx((0.05256, 0.5256))
    assert [each.item for each in found.by_use] == [
        "requests",
        "requests of the jobs",
        "requests of the jobs",
        "requests",
    ]


def test_shorter_polls_cost_more() -> None:
    """Where the task definition sets them: 20 times as many with 1 second."""
    variables = [{"name": "SQS_WAIT_SECONDS", "value": "1"}]
    containers = json.dumps([{"name": "agent"}, {"name": "worker", "environment": variables}])
    found = after(*workers(task={"container_definitions": containers}), *queues())

    assert [each.least for each in found.lines if each.item == "polls of waiting workers"] == [
        pytest.approx(2.628)
    ] * 2


def test_each_slot_of_a_worker_polls() -> None:
    """Before the apply its settings are unknown: one slot, and the wait of the queue."""
    slots = json.dumps([{"environment": [{"name": "WORKER_SLOTS", "value": "4"}]}])
    found = after(*workers(task={"container_definitions": slots}), *queues())
    unknown = after(*workers(), *queues(receive_wait_time_seconds=10))

    def least(estimate: Estimate) -> list[float | None]:
        name = "polls of waiting workers"
        return [each.least for each in estimate.lines if each.item == name]

    assert least(found) == [pytest.approx(4 * 0.1314)] * 2
    assert least(unknown) == [pytest.approx(2 * 0.1314)] * 2


def test_only_the_workers_of_the_same_system_poll_its_queues() -> None:
    """A root may have two; queues without workers in the plan are billed by use only."""
    found = after(*workers(), *queues("module.other.module.sqs[0]"))

    assert not [each for each in found.lines if each.item == "polls of waiting workers"]
    assert not found.unknown


def test_polls_of_an_unknown_number_of_workers_are_unknown() -> None:
    """It is not taken for zero."""
    found = after(item("module.w.aws_ecs_service.this", {}), *queues())

    assert [each.item for each in found.unknown] == [
        "polls of waiting workers",
        "polls of waiting workers",
        "tasks of unknown size or number",
    ]


def test_a_queue_with_a_key_bills_the_calls_of_the_key() -> None:
    """SQS calls it for new data keys; the encryption of SQS itself is free."""
    key = "arn:aws:kms:us-east-1:111122223333:key/1"
    with_key = after(item("aws_sqs_queue.this", {"kms_master_key_id": key}))
    without = after(item("aws_sqs_queue.this", {"sqs_managed_sse_enabled": True}))

    assert [each.item for each in with_key.by_use] == ["requests", "calls of the KMS key"]
    assert [each.item for each in without.by_use] == ["requests"]


def test_a_public_load_balancer_has_public_addresses() -> None:
    """One for each zone; an internal one has none."""
    public = after(item("aws_lb.this", {"internal": False, "subnets": ["a", "b"]}))
    internal = after(item("aws_lb.this", {"internal": True, "subnets": ["a", "b"]}))

    assert internal.most == pytest.approx(730 * 0.0225)
    assert public.most - internal.most == pytest.approx(2 * 730 * 0.005)


def test_a_type_without_a_rule_is_unknown_and_a_free_one_is_not_listed() -> None:
    """A new kind of resource cannot make the total look complete."""
    found = after(item("aws_efs_file_system.this", {}), item("aws_iam_role.this", {}))

    assert [each.item for each in found.lines] == ["aws_efs_file_system"]
    assert found.unknown == found.lines


def test_before_and_after_are_different_months() -> None:
    """A gateway that is deleted is only in the first; what does not change is in both."""
    plan = plan_of(
        item("aws_nat_gateway.this", None, {}),
        item("aws_secretsmanager_secret.this", {}, {}),
        item("aws_eip.this", {}),
    )
    cost = cost_change(plan, PRICES, SEOUL)

    assert cost.before.most == pytest.approx(730 * 0.059 + 0.4)
    assert cost.after.most == pytest.approx(730 * 0.005 + 0.4)
    assert headline(cost).startswith("monthly cost: before 43.47, after 4.05 USD")


def test_the_table_shows_quantity_times_price() -> None:
    """With the date of the price, the unknown as unknown, and a total."""
    found = rows(
        after(*workers(), item("aws_efs_file_system.this", {}), item("aws_sqs_queue.this", {}))
    )

    assert found == [
        (
            "module.w.aws_ecs_service.this",
            "vCPU",
            "730 to 7300 vCPU-hour",
            "0.04656 per vCPU-hour (2026-10)",
            "33.99 to 339.89",
        ),
        (
            "module.w.aws_ecs_service.this",
            "memory",
            "1460 to 14600 GB-hour",
            "0.00511 per GB-hour (2026-10)",
            "7.46 to 74.61",
        ),
        ("aws_efs_file_system.this", "aws_efs_file_system", "unknown", "unknown", "unknown"),
        (
            "aws_sqs_queue.this",
            "requests",
            "by use",
            "0.4 per million requests (2026-10)",
            "by use",
        ),
        ("total", "", "", "", "41.45 to 414.49"),
    ]


def test_programs_and_job_summaries_get_the_same_numbers() -> None:
    """With source and date of each price."""
    cost = cost_change(plan_of(*workers()), PRICES, SEOUL)
    found = document(cost)

    assert (found["after"]["least"], found["after"]["most"]) == (41.45, 414.49)
    assert found["after"]["lines"][0]["source"]
    assert found["after"]["lines"][0]["usd"] == [33.99, 339.89]
    assert "| total |  |  |  | 41.45 to 414.49 |" in markdown(cost)


def project(root: Path, text: str) -> Path:
    """A project with its own table of prices."""
    (root / "environments").mkdir()
    (root / "environments" / "prices.yaml").write_text(f"schema_version: 1\nprices:\n{text}\n")
    return root


def test_a_project_has_its_own_prices(tmp_path: Path) -> None:
    """A line of the project replaces the one of the package."""
    root = project(
        tmp_path,
        "  - {key: mq-mq.t3.micro, region: ap-northeast-2, usd: 25.5, unit: broker-month,"
        " source: our bill, date: '2026-11'}",
    )
    broker = {"host_instance_type": "mq.t3.micro", "deployment_mode": "SINGLE_INSTANCE"}

    assert after(item("aws_mq_broker.this", broker), prices=read_prices(root)).most == 25.5


@pytest.mark.parametrize(
    ("line_of_file", "said"),
    [
        ("{key: a, region: ap-northeast-2, usd: about 3, unit: hour, source: x, date: y}", "usd"),
        ("{key: a, region: ap-northeast-2, usd: 3, unit: hour, date: y}", "source"),
        ("{key: a, region: ap-northeast-2, usd: -1, unit: hour, source: x, date: y}", "usd"),
        ("{key: a, region: ap-northeast-2, usd: .inf, unit: hour, source: x, date: y}", "usd"),
        ("{key: a, region: seoul, usd: 3, unit: hour, source: x, date: y}", "region"),
    ],
)
def test_a_price_without_number_source_or_region_is_rejected(
    tmp_path: Path, line_of_file: str, said: str
) -> None:
    """The error names the file and the key."""
    with pytest.raises(ConfigurationError) as caught:
        read_prices(project(tmp_path, f"  - {line_of_file}"))

    assert caught.value.where == "environments/prices.yaml"
    assert said in caught.value.what


def test_each_shipped_price_says_where_it_is_from() -> None:
    """Read as a project reads it: with region, unit, source and date, or unknown."""
    root = Path(__file__).resolve().parents[4]
    prices = PRICES
    region = load(root, "production").region

    assert prices.find("fargate-x86-vcpu", region).usd == 0.04656
    assert prices.find("mq-mq.t3.micro", region).usd is None
    assert "no trustworthy source" in prices.find("mq-mq.t3.micro", region).source
    assert prices.find("nat-gateway", "eu-west-1").usd is None


def test_each_item_has_a_line_for_both_regions() -> None:
    """A number, or `unknown` with what was found."""
    file = Path(price_file.__file__).with_name("prices.yaml")
    lines = yaml.safe_load(file.read_text())["prices"]
    pairs = [(each["key"], each["region"]) for each in lines]

    keys = {key for key, _ in pairs}
    assert sorted(pairs) == sorted((key, region) for key in keys for region in (SEOUL, VIRGINIA))
