"""
Jobs on SQS: rate, time and requests of a job, and the requests of a worker without one.

The engine is the emulated SQS of the local stack, so its speed is in each value and its baseline.
Requests are counted at the engine, by its access log.
"""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import latency
from figures import Aim, Figure, Measured, percentile, timed
from local_stack import ROOT
from progress import say
from sqs_world import World, running_world
from throughput import WORKER, request

from gradectl.planning.cost import PriceTable
from gradectl.planning.meters.items import HOURS
from gradectl.planning.meters.queues import REQUESTS, WAIT_SECONDS
from gradectl.planning.price_file import read_prices
from grader.contract.names import REQUESTS_QUEUE, RESULTS_QUEUE
from grader.sandbox.temporary import installed_launcher

_MESSAGES = 300
_AT_ONCE = 10
_SLOTS = (1, 4)
_ROUNDS = 60
#: Requests of the worker for one job: receipt, result, deletion, and few looks for urgent jobs.
_REQUESTS_AIM = Aim(3.2)
#: An idle consumer has two long polls in flight.
_POLLED = 2
_POLLS = 2  # of each queue are counted
_IDLE_AIM = Aim(_POLLED * 3600 / WAIT_SECONDS)
_PRICED = "us-east-1"  # where the price of a broker is known
_BROKER = "mq-mq.m5.large"
_MILLION = 1_000_000


def measure() -> Measured:
    """Measure a worker with a constant verdict first, and then one that grades."""
    say("SQS: jobs per second")
    with running_world() as world:
        yield from _rates(world)
        say("SQS: time of a job")
        urls = world.create_queues("graded")
        command = ["-m", "grader", "worker"]
        with (
            installed_launcher() as launcher,
            world.running(command, urls, LAUNCHER_PATH=str(launcher)),
        ):
            yield from _latency(world, urls)
            say("SQS: a worker without a job, for a minute at most")
            yield from _idle(world)


def _rates(world: World) -> Measured:
    """Baseline: a bare loop that receives and deletes, and sends nothing."""
    bare, bare_requests = _bare(world)
    for slots in _SLOTS:
        rate, requests = _rate(world, slots)
        suffix = f"_{slots}_slots" if slots > 1 else ""
        yield (
            f"sqs_worker_messages_per_second{suffix}",
            Figure(rate, "messages/s", bare, _MESSAGES),
        )
        yield (
            f"sqs_requests_per_job{suffix}",
            Figure(requests, "requests", bare_requests, _MESSAGES, _REQUESTS_AIM),
        )


def _bare(world: World) -> tuple[float, float]:
    """Messages per second, and requests of each."""
    urls = world.create_queues("bare")
    _fill(world, urls[REQUESTS_QUEUE])
    sqs, queue = world.sqs(), urls[REQUESTS_QUEUE]
    with world.calls() as calls:
        started = time.perf_counter()
        for _ in range(_MESSAGES):
            answer = sqs.receive_message(
                QueueUrl=queue,
                MaxNumberOfMessages=1,
                WaitTimeSeconds=WAIT_SECONDS,
                MessageAttributeNames=["All"],
            )
            (message,) = answer["Messages"]
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        seconds = time.perf_counter() - started
        requests = calls.wait_for("DeleteMessage", _MESSAGES).total()
    return _MESSAGES / seconds, requests / _MESSAGES


def _rate(world: World, slots: int) -> tuple[float, float]:
    """Measure from the first deletion to the last, so the start of the worker does not count."""
    urls = world.create_queues(f"constant-{slots}")
    _fill(world, urls[REQUESTS_QUEUE])
    with (
        world.calls() as calls,
        world.running([str(WORKER)], urls, WORKER_SLOTS=str(slots)),
    ):
        first = calls.wait_for("DeleteMessage", 1)
        started = time.perf_counter()
        last = calls.wait_for("DeleteMessage", _MESSAGES)
        seconds = time.perf_counter() - started
    results = _count(world, urls[RESULTS_QUEUE])
    if results != _MESSAGES:
        raise SystemExit(f"{results} results of {_MESSAGES} requests")
    done = last["DeleteMessage"] - first["DeleteMessage"]
    return done / seconds, (last.total() - first.total()) / done


def _fill(world: World, queue: str) -> None:
    sqs = world.sqs()
    for start in range(0, _MESSAGES, _AT_ONCE):
        numbers = range(start, start + _AT_ONCE)
        bodies = [request(f"{queue.rpartition('/')[2]}-{number}").decode() for number in numbers]
        entries = [{"Id": str(n), "MessageBody": body} for n, body in enumerate(bodies)]
        sqs.send_message_batch(QueueUrl=queue, Entries=entries)


def _count(world: World, queue: str) -> int:
    key = "ApproximateNumberOfMessages"
    answer = world.sqs().get_queue_attributes(QueueUrl=queue, AttributeNames=[key])
    return int(answer["Attributes"][key])


def _latency(world: World, urls: dict[str, str]) -> Measured:
    """Baseline: a bare round trip through a queue of the same engine: send, receive, delete."""
    latency.put_problem(world.objects)
    bodies = [latency.put_request(world.objects, world.bucket, n) for n in range(_ROUNDS + 1)]
    sqs, echo = world.sqs(), world.sqs().create_queue(QueueName="echo")["QueueUrl"]
    graded, bare = [], []
    requests, results = urls[REQUESTS_QUEUE], urls[RESULTS_QUEUE]
    _round_trip(sqs, requests, results, bodies.pop())  # the worker starts
    with world.calls() as calls:
        for body in bodies:
            graded.append(timed(_round_trip, sqs, requests, results, body))
            bare.append(timed(_round_trip, sqs, echo, echo, body))
        # a result and a bare message are deleted by this program, a request by the worker
        counts = calls.wait_for("DeleteMessage", 3 * _ROUNDS)
    baseline = 1000 * percentile(bare, 50)
    for percent in (50, 95):
        value = 1000 * percentile(graded, percent)
        yield f"sqs_submit_to_result_ms_p{percent}", Figure(value, "ms", baseline, _ROUNDS)
    yield "sqs_requests_per_single_job", _single(counts)


def _single(counts: Counter[str]) -> Figure:
    """Requests of a worker for a job that finds it waiting; each round trip makes three here."""
    own = 2 * 3 * _ROUNDS
    return Figure((counts.total() - own) / _ROUNDS, "requests", 3, _ROUNDS, _REQUESTS_AIM)


def _round_trip(sqs: Any, requests: str, results: str, body: bytes) -> None:  # noqa: ANN401 - boto3 creates its classes
    sqs.send_message(QueueUrl=requests, MessageBody=body.decode())
    answer = sqs.receive_message(QueueUrl=results, WaitTimeSeconds=WAIT_SECONDS)
    if not answer.get("Messages"):
        raise SystemExit(f"no answer from {requests} within {WAIT_SECONDS} s")
    (message,) = answer["Messages"]
    sqs.delete_message(QueueUrl=results, ReceiptHandle=message["ReceiptHandle"])


def _idle(world: World) -> Measured:
    """
    Measure the time of four calls of the worker, from one call on: two polls of each queue.

    Baseline: as many bare loops of long polls at the same time, on the other account.
    The price is that of a worker with one slot that never gets a job, against a broker's.
    """
    with world.calls() as calls, ThreadPoolExecutor(_POLLED) as loops:
        bare = [loops.submit(_poll, world, f"idle-{number}") for number in range(_POLLED)]
        first = calls.wait_for_any(1)
        started = time.perf_counter()
        requests = calls.wait_for_any(first + _POLLED * _POLLS) - first
        hourly = requests * 3600 / (time.perf_counter() - started)
        baseline = sum(loop.result() for loop in bare)
    yield (
        "sqs_idle_requests_per_hour",
        Figure(hourly, "requests/h", baseline, requests, _IDLE_AIM),
    )
    prices = read_prices(ROOT)
    dollars = hourly * HOURS / _MILLION * _price(prices, REQUESTS)
    yield (
        "sqs_idle_usd_per_month",
        Figure(dollars, "USD/month", _price(prices, _BROKER), requests),
    )


def _poll(world: World, name: str) -> float:
    """Requests per hour of a bare loop."""
    sqs = world.sqs(world.account)
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    started = time.perf_counter()
    for _ in range(_POLLS):
        sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=WAIT_SECONDS)
    return _POLLS * 3600 / (time.perf_counter() - started)


def _price(prices: PriceTable, key: str) -> float:
    price = prices.find(key, _PRICED)
    if price.usd is None:
        raise SystemExit(f"the price of {key} in {_PRICED} is unknown: {price.source}")
    return price.usd
