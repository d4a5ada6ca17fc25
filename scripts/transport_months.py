"""
The monthly cost of SQS and of a broker at several rates of submissions, in two regions.

`reference.py` writes the table between the markers, from the table of prices and the same figures
as `gradectl plan --cost`.
"""

from __future__ import annotations

from dataclasses import dataclass

from month_tables import REGIONS
from terraform_tables import code, table

from gradectl.planning.cost import PriceTable
from gradectl.planning.meters.items import HOURS
from gradectl.planning.meters.queues import POLLED, REQUESTS, WAIT_SECONDS

BEGIN = "<!-- BEGIN transports -->\n"
END = "<!-- END transports -->\n"
#: Requests of a job: the worker receives, looks into the priority queue, sends the result and
#: deletes; the producer sends the request, receives the result and deletes it.
REQUESTS_PER_JOB = 7
_ZONES = 2
_BROKERS = ("mq-mq.t3.micro", "mq-mq.m5.large", "mq-mq.m5.large-pair")
_POLLS = 3600 / WAIT_SECONDS  # in an hour, of one queue
_MILLION = 1_000_000


@dataclass(frozen=True)
class Load:
    """
    A rate of submissions.

    Attributes:
        submissions: Number in an hour.
        workers: Number of workers, which poll all month.
    """

    submissions: int
    workers: int


LOADS = (Load(1, 1), Load(100, 2), Load(3000, 10))


def months(prices: PriceTable) -> str:
    """
    Format the table: SQS at each rate with its arithmetic, then the brokers.

    Args:
        prices: The prices.
    """
    head = ["submissions an hour", "item", "quantity", *(f"USD in {each}" for each in REGIONS)]
    rows = [row for load in LOADS for row in _rows(load, prices)]
    brokers = [
        [
            "any",
            code(key),
            "1 broker-month",
            *(_amount(1, key, region, prices) for region in REGIONS),
        ]
        for key in _BROKERS
    ]
    return table(head, [*rows, *brokers])


def page(text: str, prices: PriceTable) -> str:
    """Replace the table of a page; a page without the markers stays as it is."""
    before, mark, rest = text.partition(BEGIN)
    if not mark:
        return text
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{months(prices)}\n\n{END}{after}"


def _rows(load: Load, prices: PriceTable) -> list[list[str]]:
    """The items of SQS at one rate, with both totals."""
    jobs = load.submissions * HOURS * REQUESTS_PER_JOB / _MILLION
    pollers = load.workers * len(POLLED) + 1  # the producer polls the results
    polls = pollers * _POLLS * HOURS / _MILLION
    zones = _ZONES * HOURS
    at = f"{load.submissions:,}"
    rows = [
        [
            at,
            f"{code(REQUESTS)} of jobs",
            f"{at} x {HOURS} x {REQUESTS_PER_JOB:g} = {jobs:.3f} million",
            *(_amount(jobs, REQUESTS, region, prices) for region in REGIONS),
        ],
        [
            at,
            f"{code(REQUESTS)} of polls",
            f"({load.workers} x {len(POLLED)} + 1) x {_POLLS:g} x {HOURS} = {polls:.3f} million",
            *(_amount(polls, REQUESTS, region, prices) for region in REGIONS),
        ],
        [
            at,
            code("interface-endpoint"),
            f"{_ZONES} x {HOURS} zone-hour",
            *(_amount(zones, "interface-endpoint", region, prices) for region in REGIONS),
        ],
    ]
    with_nat = {REQUESTS: jobs + polls}
    alone = {**with_nat, "interface-endpoint": float(zones)}
    for name, bill in (("total of SQS", alone), ("total with NAT, no endpoint", with_nat)):
        rows.append([at, name, "", *(_total(bill, region, prices) for region in REGIONS)])
    return rows


def _amount(units: float, key: str, region: str, prices: PriceTable) -> str:
    """The arithmetic of one item."""
    usd = prices.find(key, region).usd
    return "unknown" if usd is None else f"x {usd:g} = {units * usd:.2f}"


def _total(bill: dict[str, float], region: str, prices: PriceTable) -> str:
    """The sum of a region; unknown where a price is."""
    amounts = []
    for key, units in bill.items():
        usd = prices.find(key, region).usd
        if usd is None:
            return "unknown"
        amounts.append(units * usd)
    return f"{sum(amounts):.2f}"
