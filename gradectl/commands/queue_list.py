"""`gradectl queue list`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import count
from time import sleep
from typing import Any

import click

from gradectl.cloud import CloudContext
from gradectl.commands.arguments import environment_option
from gradectl.commands.queue_options import transport_option
from gradectl.context import pass_context
from gradectl.errors import GradectlError, UnreachableError, UsageError
from gradectl.monitoring.names import ResourceNames
from gradectl.monitoring.paused import pause_text
from gradectl.options import command
from gradectl.queues.hints import hints
from gradectl.queues.inspection import QueueState, queue_states
from gradectl.queues.message_view import age
from gradectl.queues.rates import Rates, rates
from gradectl.target import EnvironmentClient, select_environment
from gradectl.ui import Table
from grader.contract.names import QUEUES, TransportName
from grader.errors import ConnectionLostError, GraderError

_COLUMNS = ("queue", "waiting", "in flight", "delayed", "consumers", "in", "out", "oldest")
_RATE_COLUMNS = (*_COLUMNS[:5], "in/s", "out/s", "oldest")
#: Amazon SQS counts neither consumers nor totals.
_SQS_COLUMNS = (*_COLUMNS[:4], "oldest")
_TOTALS = ("producers", "enqueued", "dequeued", "expired")
#: Delayed messages that are counted, at least.
_MOST_DELAYED = 1_000


@dataclass(frozen=True)
class _Observation:
    """
    The queues at one moment.

    Attributes:
        states: The state of each queue.
        source: Where the counters come from.
        paused: Since when the workers are paused; empty if they are not.
        delayed: Delayed messages by queue; None where they could not be read.
        age_failure: Why the ages are unknown; empty if they could be read.
    """

    states: list[QueueState]
    source: str
    paused: str
    delayed: Counter[str] | None = None
    age_failure: str = ""

    @property
    def counts_all(self) -> bool:
        """Whether consumers and totals are counted."""
        return self.source != TransportName.SQS


@command("list", epilog="Example: gradectl queue list --environment local --watch 5")
@environment_option
@transport_option
@click.option(
    "--watch",
    "interval",
    type=click.FloatRange(min=0.1),
    metavar="SECONDS",
    help="Repeat at this interval until Ctrl-C or --timeout, with rates instead of totals.",
)
@click.option(
    "--source",
    type=click.Choice(["auto", "broker", "cloudwatch"]),
    default="auto",
    show_default=True,
    help="Where the counters come from; auto asks CloudWatch if the broker does not answer.",
)
@pass_context(CloudContext)
def list_queues(
    app: CloudContext,
    *,
    environment: str | None,
    transport: TransportName | None,
    interval: float | None,
    source: str,
) -> None:
    """
    Show the counters of each queue, with hints on problems.

    `in` and `out` count since the broker started. `delayed` are retries that the broker adds to
    the queue later; only the admin of the broker may read them. Counters of CloudWatch are a few
    minutes old, and have neither totals nor ages.

    Amazon SQS counts approximately, and neither consumers nor totals; a request that waits for its
    next attempt is `in flight` there. The age of the oldest message is of CloudWatch, some minutes
    old, and of messages that are not in flight.
    """
    target = select_environment(app, environment, transport)
    previous: _Observation | None = None
    for number in count():
        if number and interval:
            sleep(interval)
        found = _observe(target, source)
        _show(target, found, previous, is_watched=interval is not None)
        if interval is None:
            return
        previous = found


def _observe(target: EnvironmentClient, source: str) -> _Observation:
    """Read the queues from the first source that answers."""
    paused = pause_text(target.aws, target.name)
    if target.transport is TransportName.SQS:
        return _observe_sqs(target, source, paused)
    if source != "cloudwatch":
        try:
            with target.broker("operator") as broker:
                states = queue_states(broker.inspector)
            return _Observation(states, "broker", paused, _delayed(target))
        except (UnreachableError, ConnectionLostError) as error:
            if source == "broker" or target.environment.emulated:
                raise
            target.app.ui.warn(f"{error.what}; these counters are from CloudWatch")
    name = ResourceNames.of(target.environment).broker
    found = target.aws.states.queue_metrics(name, QUEUES) if name else {}
    if not found:
        raise UnreachableError(
            "CloudWatch has no counters of these queues",
            where=f"AWS/AmazonMQ, broker {name}",
            next_step=f"gradectl status {target.name}",
        )
    states = [QueueState(queue, found.get(queue)) for queue in QUEUES]
    return _Observation(states, "cloudwatch", paused)


def _observe_sqs(target: EnvironmentClient, source: str, paused: str) -> _Observation:
    """Read the queues of SQS, which always answers for itself."""
    if source in ("broker", "cloudwatch"):
        raise UsageError(
            "the counters of Amazon SQS are read from SQS itself",
            where=f"--source {source}",
            next_step="omit --source",
        )
    with target.broker("operator") as broker:
        states = queue_states(broker.inspector)
        failure = broker.inspector.age_failure
    delayed = Counter({each.queue: each.counters.delayed or 0 for each in states if each.counters})
    return _Observation(states, TransportName.SQS, paused, delayed, failure)


def _delayed(target: EnvironmentClient) -> Counter[str] | None:
    """Count the delayed messages by queue; None where this login may not read them."""
    try:
        with target.broker() as broker:
            found = broker.inspector.delayed(_MOST_DELAYED)
    except (GradectlError, GraderError) as error:
        target.app.ui.warn(f"delayed messages are not shown: {error.what}")
        return None
    return Counter(message.queue for message in found)


def _show(
    target: EnvironmentClient,
    found: _Observation,
    previous: _Observation | None,
    *,
    is_watched: bool,
) -> None:
    """Write the counters as data, and the hints as messages."""
    counters = {each.queue: each.counters for each in found.states}
    before = {each.queue: each.counters for each in previous.states} if previous else {}
    changes = rates(before, counters) if found.counts_all else {}
    said = hints(
        counters,
        target.name,
        target.look_at,
        paused=found.paused,
        transport=target.inactive_transport or "",
        has_api=target.environment.has_api,
    )
    queues = [
        {
            **_document(each, found, changes.get(each.queue)),
            "hint": said[each.queue].text,
            "next": said[each.queue].next_step,
        }
        for each in found.states
    ]
    document = {
        "environment": target.name,
        "transport": target.transport,
        "source": found.source,
        "queues": queues,
    }
    ui = target.app.ui
    if is_watched and ui.output == "json":
        ui.stream("queue-list", document)
    else:
        rows = [_cells(each, found, changes.get(each.queue), is_watched) for each in found.states]
        columns: tuple[str, ...] = _RATE_COLUMNS if is_watched else _COLUMNS
        if not found.counts_all:
            columns = _SQS_COLUMNS
        title = f"queues of {target.name}, from {found.source}"
        ui.emit("queue-list", document, Table(columns, rows, title))
    if not found.counts_all and previous is None:
        ui.say(_sqs_note(found))
    if target.other_transport and previous is None:
        other = f"gradectl queue list -e {target.name} --transport {target.other_transport}"
        ui.say(f"queues of {target.other_transport} exist as well: {other}")
    for name, hint in said.items():
        if hint.text:
            ui.say(f"{name}: {hint}", "yellow")


def _sqs_note(found: _Observation) -> str:
    """Say once what SQS does not know, and why an age is missing."""
    text = "Amazon SQS counts approximately, and knows neither consumers nor totals"
    if found.age_failure:
        return f"{text}; ages are unknown: {found.age_failure}"
    if any(each.counters and each.counters.waiting and each.oldest_seconds is None
           for each in found.states):  # fmt: skip
        return f"{text}; CloudWatch has no age yet where `oldest` is -"
    return text


def _document(state: QueueState, found: _Observation, change: Rates | None) -> dict[str, Any]:
    """The counters of a queue for programs."""
    counters = state.counters
    if counters is None:
        return {"queue": state.queue, "exists": False}
    return {
        "queue": state.queue,
        "exists": True,
        **asdict(counters),
        **({} if found.counts_all else dict.fromkeys(_TOTALS)),
        "waiting": counters.waiting,
        "oldest_seconds": state.oldest_seconds,
        "delayed": _number(found.delayed, state.queue),
        "in_per_second": change and change.into,
        "out_per_second": change and change.out,
    }


def _number(delayed: Mapping[str, int] | None, queue: str) -> int | None:
    return None if delayed is None else delayed.get(queue, 0)


def _cells(
    state: QueueState, found: _Observation, change: Rates | None, is_watched: bool
) -> list[object]:
    """The counters of a queue as a row."""
    counters = state.counters
    if counters is None:
        columns = _COLUMNS if found.counts_all else _SQS_COLUMNS
        return [state.queue, *["-"] * (len(columns) - 1)]
    delayed = _number(found.delayed, state.queue)
    oldest = "-" if state.oldest_seconds is None else age(state.oldest_seconds)
    flow: tuple[object, object] = (counters.enqueued, counters.dequeued)
    if is_watched:
        flow = (f"{change.into:.1f}", f"{change.out:.1f}") if change else ("-", "-")
    elif found.source == "cloudwatch":
        flow = ("-", "-")
    waiting = (counters.waiting, counters.in_flight, "-" if delayed is None else delayed)
    if not found.counts_all:
        return [state.queue, *waiting, oldest]
    return [state.queue, *waiting, counters.consumers, *flow, oldest]
