"""The month of an example: from its comments and its plan to a table for two regions."""

from __future__ import annotations

import pytest
from example_claims import Planned
from month_tables import BEGIN, END, Quantity, comments, has_bill, month, page, planned, stated

from gradectl.planning.cost import Price, PriceTable

TEXT = """
module "network" {}

# bills: nat-gateway=1460 fargate-x86-vcpu=365..3650
# bills: custom-metric=use custom-metric=1 fargate-spot=unknown
"""
BILL = {
    ("custom-metric", False): Quantity(1, 1),
    ("custom-metric", True): Quantity(None, None),
    ("fargate-spot", False): Quantity(None, None),
    ("fargate-x86-vcpu", False): Quantity(365, 3650),
    ("nat-gateway", False): Quantity(1460, 1460),
}
PRICES = PriceTable(
    [
        Price("custom-metric", "us-east-1", 0.3, "metric-month", "x", "2026-01"),
        Price("nat-gateway", "us-east-1", 0.045, "hour", "x", "2026-01"),
        Price("fargate-x86-vcpu", "us-east-1", 0.04, "vCPU-hour", "x", "2026-01"),
        Price("nat-gateway", "ap-northeast-2", 0.059, "hour", "x", "2026-01"),
        Price("fargate-x86-vcpu", "ap-northeast-2", None, "vCPU-hour", "x", "2026-01"),
    ]
)
TABLE = """| item | quantity | USD in us-east-1 | USD in ap-northeast-2 |
| --- | --- | --- | --- |
| `custom-metric` | 1 metric-month | x 0.3 = 0.30 | unknown |
| `fargate-spot` | unknown | unknown | unknown |
| `fargate-x86-vcpu` | 0.5 to 5 x 730 vCPU-hour | x 0.04 = 14.60 to 146.00 | unknown |
| `nat-gateway` | 2 x 730 hour | x 0.045 = 65.70 | x 0.059 = 86.14 |
| `custom-metric` | by use | 0.3 per metric-month | unknown |
| total | | 80.60 to 212.00 + 1 unknown | 86.14 + 3 unknown |"""


def test_the_comments_of_an_example_are_read_and_written() -> None:
    """An item can have a quantity and be billed by use as well."""
    assert stated(TEXT) == BILL
    assert stated(comments(BILL)) == BILL
    assert has_bill(TEXT)


def test_an_example_can_cost_nothing() -> None:
    """That is stated too, so that it is not forgotten."""
    assert (comments({}), stated("# bills: nothing")) == ("# bills: nothing", {})
    assert has_bill("# bills: nothing")
    assert not has_bill("# plans: resources=1")


@pytest.mark.parametrize("term", ["nat-gateway", "nat-gateway=much", "nat-gateway=1..", "=1"])
def test_a_comment_of_another_form_is_an_error(term: str) -> None:
    """The message has the forms."""
    with pytest.raises(ValueError, match=r"expected KEY=N, KEY=N\.\.M"):
        stated(f"# bills: {term}")


def test_a_plan_is_added_up_by_item() -> None:
    """Resources of a module see each other, such as a group of instances its launch template."""
    group = {"min_size": 1, "max_size": 3}
    found = planned(
        [
            Planned("module.network.aws_nat_gateway.this[0]", {}, {}),
            Planned('module.network.aws_nat_gateway.this["b.c"]', {}, {}),
            Planned("module.web.aws_autoscaling_group.this", group, {}),
            Planned("module.web.aws_launch_template.this", {"instance_type": "t3.small"}, {}),
            Planned("aws_kms_key.this", {}, {}),
        ]
    )

    assert found == {
        ("ebs-gp3", False): Quantity(None, None),
        ("ec2-t3.small", False): Quantity(730, 2190),
        ("kms-key", False): Quantity(1, 1),
        ("nat-gateway", False): Quantity(1460, 1460),
        ("nat-gateway-data", True): Quantity(None, None),
    }


def test_the_table_has_the_arithmetic_for_both_regions() -> None:
    """The total says how many items it lacks."""
    assert month(BILL, PRICES) == TABLE


def test_a_page_gets_the_table_of_the_example_above_it() -> None:
    """Or else that of a Terraform file; a second run changes nothing."""
    above = f"# x\n\n```hcl\n{TEXT}```\n\n{BEGIN}old\n{END}\nmore\n"
    without = f"# x\n\n{BEGIN}{END}"

    written = page(above, "", PRICES)

    assert f"{BEGIN}\n{TABLE}\n\n{END}\nmore\n" in written
    assert page(written, "", PRICES) == written
    assert TABLE in page(without, TEXT, PRICES)
    assert page("# x\n", TEXT, PRICES) == "# x\n"


def test_a_table_without_comments_is_an_error() -> None:
    """It would claim that nothing is billed."""
    with pytest.raises(ValueError, match="no # bills: comment"):
        page(f"# x\n\n{BEGIN}{END}", 'module "network" {}\n', PRICES)
