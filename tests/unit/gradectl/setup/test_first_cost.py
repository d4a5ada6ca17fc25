"""The month of a new environment, estimated from its variables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gradectl.deploy.verify.root_values import RootValues
from gradectl.environment import load
from gradectl.planning.cost import Estimate
from gradectl.planning.cost_report import estimate_document, estimate_headline
from gradectl.planning.price_file import read_prices
from gradectl.setup.first_cost import first_estimate
from gradectl.setup.new_environment import SIZES, size_variables

ROOT = Path(__file__).resolve().parents[4]
SEOUL = "ap-northeast-2"
EXISTING = {
    "mq_existing": {"name": "judge"},
    "db_existing": {"identifier": "db-1"},
    "vpc_existing": {"vpc_id": "vpc-1", "private_subnet_ids": ["a", "b", "c"]},
}


def estimate(**variables: Any) -> Estimate:
    """The estimate for these variables."""
    values = RootValues("exams", "123456789012", SEOUL, variables)
    return first_estimate(values, read_prices(Path("/nonexistent")))


def amounts(found: Estimate) -> dict[str, tuple[float, float]]:
    """Dollars of each item with an amount, added up."""
    total: dict[str, tuple[float, float]] = {}
    for line in found.lines:
        if line.usd:
            least, most = total.get(line.item, (0.0, 0.0))
            total[line.item] = (least + line.usd[0], most + line.usd[1])
    return total


def test_a_small_environment_costs_workers_endpoints_and_storage() -> None:
    """One to two workers of half a vCPU and 1 GB, four endpoints in two zones, 20 GB."""
    found = amounts(estimate(**SIZES["small"]))

    assert found == {
        "vCPU": pytest.approx((730 * 0.5 * 0.04656, 730 * 0.5 * 2 * 0.04656)),
        "memory": pytest.approx((730 * 0.00511, 730 * 2 * 0.00511)),
        "interface endpoint": pytest.approx((4 * 2 * 730 * 0.013, 4 * 2 * 730 * 0.013)),
        "db.t4g.micro": pytest.approx((730 * 0.025, 730 * 0.025)),
        "storage": pytest.approx((20 * 0.131, 20 * 0.131)),
    }


def test_the_readme_has_the_month_of_production() -> None:
    """The amounts that the table of prices knows, of the values in its environment.yaml."""
    readme = (ROOT / "environments/README.md").read_text()
    section = readme.partition("## What production costs\n")[2].partition("\n## ")[0]
    production = load(ROOT, "production").variables
    one_zone = {"ecs_task_cpu": 1024, "ecs_task_memory": 2048}
    months = [amounts(estimate(**values)) for values in (one_zone, production)]

    for found in months:
        workers = [sum(pair) for pair in zip(found["vCPU"], found["memory"], strict=True)]
        for usd in (*workers, found["interface endpoint"][0]):
            assert f"{usd:.2f}" in section
    assert f"{months[0]['storage'][0]:.2f}" in section


@pytest.mark.parametrize("size", ["standard", "production"])
def test_the_readme_says_of_broker_and_database_what_the_prices_say(size: str) -> None:
    """Their price, or that none is known."""
    readme = (ROOT / "environments/README.md").read_text()
    section = readme.partition("## What production costs\n")[2].partition("\n## ")[0]
    cells = [cell for line in section.splitlines() for cell in line.split("|")]
    found = [line for line in estimate(**SIZES[size]).lines if line.item.startswith(("db.", "mq."))]

    for line in found:
        name = line.item.removesuffix("-pair").removesuffix("-multi-az")
        (cell,) = (cell for cell in cells if f"`{name}`" in cell)
        assert (f"{line.usd[0]:.2f}" if line.usd else "no known price") in cell
        assert ("no known price" in cell) == (not line.usd)
    assert len(found) == 2


def test_the_page_of_costs_says_which_large_items_lack_a_price() -> None:
    """Above its table, whose total would otherwise look like the price of a month."""
    above = (ROOT / "docs/cost.md").read_text().partition("<!-- BEGIN month -->")[0]
    prices = read_prices(Path("/nonexistent"))
    broker, database = "mq-mq.m5.large-pair", "rds-mysql-db.m7g.large-multi-az"
    unknown = {
        (key, region)
        for key in (broker, database)
        for region in (SEOUL, "us-east-1")
        if prices.find(key, region).usd is None
    }

    assert f"In {SEOUL} the two largest items, the broker and the database, have no known" in above
    assert "in us-east-1 the\ndatabase has none" in above
    assert unknown == {(broker, SEOUL), (database, SEOUL), (database, "us-east-1")}


def test_the_size_production_is_the_environment_of_that_name() -> None:
    """What costs more than the defaults, so that both survive the failure of a zone."""
    variables = load(ROOT, "production").variables

    assert {name: variables[name] for name in SIZES["production"]} == SIZES["production"]


def test_the_standard_size_scales_to_ten_workers() -> None:
    """Of one vCPU and 2 GB each."""
    found = amounts(estimate(**SIZES["standard"]))

    assert found["vCPU"] == pytest.approx((730 * 0.04656, 7300 * 0.04656))
    assert found["memory"] == pytest.approx((1460 * 0.00511, 14600 * 0.00511))


def test_adopted_resources_are_not_on_the_bill() -> None:
    """What exists costs nothing new; chosen endpoints are in each adopted subnet."""
    found = estimate(**EXISTING, vpc_interface_endpoints=["ecr.api", "ecr.dkr", "logs", "ssm"])

    kinds = {line.address.rpartition(".aws_")[2].partition(".")[0] for line in found.lines}
    assert not kinds & {"mq_broker", "db_instance", "nat_gateway"}
    assert amounts(found)["interface endpoint"][0] == pytest.approx(4 * 3 * 730 * 0.013)


def test_with_sqs_there_are_polls_and_an_endpoint_and_no_broker() -> None:
    """One to two workers poll two queues; the endpoint of sqs is the fifth."""
    found = estimate(**size_variables("small", "sqs"))

    assert amounts(found)["polls of waiting workers"] == pytest.approx((0.10512, 0.21024))
    assert amounts(found)["interface endpoint"][0] == pytest.approx(5 * 2 * 730 * 0.013)
    assert not [line for line in found.lines if "mq_broker" in line.address]
    assert not [line for line in found.unknown if "sqs" in line.address]
    four = estimate(
        **size_variables("small", "sqs"),
        grading_worker_settings={"WORKER_SLOTS": 4},
        sqs_settings={"wait_seconds": 10},
    )
    assert amounts(four)["polls of waiting workers"] == pytest.approx((8 * 0.10512, 8 * 0.21024))


def test_while_a_broker_is_drained_both_are_billed() -> None:
    """Existing queues are on the bill of somebody else."""
    both = estimate(use_sqs_queue=True, drain_other_transport=True)
    existing = estimate(use_sqs_queue=True, sqs_existing={"requests_arn": "arn:aws:sqs:a:1:q"})

    assert {line.price.key for line in both.lines} >= {"mq-mq.t3.micro", "sqs-requests"}
    assert not [line for line in existing.lines if "sqs_queue" in line.address]


def test_nat_gateways_come_with_their_addresses() -> None:
    """One in each zone."""
    found = amounts(estimate(vpc_nat_mode="per_zone", vpc_interface_endpoints=[]))

    assert found["NAT gateway"][0] == pytest.approx(2 * 730 * 0.059)
    assert found["public address"][0] == pytest.approx(2 * 730 * 0.005)
    assert "interface endpoint" not in found


def test_without_autoscaling_the_number_of_workers_is_fixed() -> None:
    """The desired number, all month."""
    found = amounts(estimate(enable_ecs_autoscaling=False, ecs_desired_count=3))

    assert found["vCPU"] == pytest.approx((3 * 730 * 0.5 * 0.04656,) * 2)


def test_the_headline_counts_what_the_total_leaves_out() -> None:
    """The broker has no trustworthy price in Seoul."""
    found = estimate(**SIZES["small"])

    assert estimate_headline(found).startswith("estimated monthly cost: 117.51 to 138.24 USD")
    assert "1 without a known price" in estimate_headline(found)
    assert estimate_document(found)["least"] == 117.51
