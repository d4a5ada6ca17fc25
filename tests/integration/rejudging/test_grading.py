"""Selected submissions are graded again, a few at a time, on a real database."""

from __future__ import annotations

import json
from contextlib import ExitStack

import pytest
from rejudging_world import World
from sample_results import completed
from unsearchable_queues import UnsearchableBroker

from gradectl.errors import GradectlError, TryAgainError
from gradectl.rejudging.queued import remove_queued
from gradectl.rejudging.request import KnownLimits
from gradectl.rejudging.results import compare
from gradectl.rejudging.state_file import open_state
from grader.contract.bucket import metadata_key, source_key
from grader.contract.messages import GradingRequest
from grader.contract.names import REQUESTS_QUEUE
from grader.contract.verdicts import Verdict
from grader.ports.jobs import Claim

pytestmark = pytest.mark.engine


def test_workers_that_do_not_know_rejudgings_get_one_request(world: World) -> None:
    """They send its result to the web tier; the others are not sent."""
    for name in "abc":
        world.submit(name)
    world.begin()

    with pytest.raises(GradectlError, match="does not know rejudgings"):
        world.grade(lambda: world.work(marked=False), in_flight=3)

    assert world.most_queued == 1
    assert sorted(world.rows()) == ["a", "a.rejudge.again", "b", "c"]
    assert world.broker.messages(REQUESTS_QUEUE) == []


@pytest.mark.parametrize(
    ("in_flight", "consumers", "most"), [(None, 4, 2), (None, 0, 1), (3, 0, 3)]
)
def test_only_a_few_requests_are_in_the_queue(
    world: World, in_flight: int | None, consumers: int, most: int
) -> None:
    """Half of the consumers by default; the first one alone."""
    for number in range(9):
        world.submit(f"r{number}")
    world.begin()
    seen: list[int] = []

    def work() -> None:
        seen.append(len(world.broker.messages(REQUESTS_QUEUE)))
        world.work()

    with ExitStack() as stack:
        for _ in range(consumers):
            stack.enter_context(world.broker.watch(REQUESTS_QUEUE, "none"))
        progress = world.grade(work, in_flight=in_flight)

    assert progress.graded == 9
    assert (seen[0], max(seen)) == (1, most)


def test_a_rejudging_on_sqs_counts_no_consumers(world: World) -> None:
    """Two requests are under way, and rows alone tell what is done."""
    world.broker = UnsearchableBroker()
    for number in range(6):
        world.submit(f"r{number}")
    world.begin()

    progress = world.grade()

    assert (progress.graded, progress.consumers, world.most_queued) == (6, None, 2)


def test_an_interrupted_grading_goes_on_and_sends_nothing_twice(world: World) -> None:
    """What is graded, what waits in the queue, and what a worker has, are known."""
    for name in "abcd":
        world.submit(name)
    world.begin()
    rounds = iter([world.work, None])

    def stop_in_second_round() -> None:
        step = next(rounds)
        if step is None:
            raise KeyboardInterrupt
        step()

    with pytest.raises(KeyboardInterrupt):
        world.grade(stop_in_second_round, in_flight=2)
    waiting = world.broker.messages(REQUESTS_QUEUE)
    assert len(waiting) == 2
    taken = GradingRequest.from_json(waiting[0].body)
    world.broker.take(REQUESTS_QUEUE, taken.request_id)
    world.jobs.claim(Claim(taken, "ID:taken", REQUESTS_QUEUE, "worker"))
    sent: list[str] = []
    world.broker.on_send = lambda _queue, body: sent.append(json.loads(body)["requestId"])

    def work() -> None:
        world.jobs.finish(
            completed(taken.request_id, Verdict.ACCEPTED, 100).model_copy(
                update={"rejudging": "again"}
            ),
            attempt=1,
        )
        world.work()

    progress = world.grade(work, in_flight=9)

    assert progress.graded == 4
    assert sent == ["d.rejudge.again"]


def test_a_lost_message_is_sent_again(world: World) -> None:
    """Such as one that an operator purged: neither in the queue nor in the table."""
    world.submit("a")
    world.begin()
    ticks = iter(range(0, 100_000, 10))
    steps = iter([lambda: remove_queued(world.broker, "again")])

    progress = world.grade(
        lambda: next(steps, world.work)() and None, clock=lambda: float(next(ticks))
    )

    assert progress.graded == 1


def test_submissions_without_limits_are_held_back_until_these_are_given(world: World) -> None:
    """The same command with limits goes on."""
    world.submit("a")
    world.submit("b")
    del world.objects.objects[metadata_key("b")]
    world.objects.objects[source_key("b", "py")] = b"print()"
    world.begin()

    first = world.grade()
    with open_state(world.folder, "again") as state:
        assert "its limits are unknown" in compare(world.finished, state).held_back["b"]
        assert state.state == "grading"
    second = world.grade(limits=KnownLimits(1000, 64))

    assert (first.graded, first.held_back) == (1, 1)
    assert (second.graded, second.held_back) == (2, 0)


def test_a_request_is_sent_again_only_after_its_claim_has_ended(world: World) -> None:
    """The command waits for a worker that has it, and not for one that gave it back."""
    world.submit("a")
    world.begin()
    world.take()
    ticks = iter(range(0, 100_000, 10))
    waiting: list[int] = []

    def work() -> None:
        waiting.append(len(world.broker.messages(REQUESTS_QUEUE)))
        if len(waiting) == 3:
            world.jobs.give_back("worker", "a.rejudge.again", 1)
        elif len(waiting) > 3:
            world.work()

    progress = world.grade(work, clock=lambda: float(next(ticks)))

    assert progress.graded == 1
    assert waiting == [0, 0, 0, 1]


def test_after_a_refused_discard_the_grading_goes_on(world: World) -> None:
    """Discarding has removed the message of a request that its worker gives back afterwards."""
    world.submit("a")
    world.begin()
    world.take()
    with pytest.raises(TryAgainError):
        world.remove()
    world.jobs.give_back("worker", "a.rejudge.again", 1)

    progress = world.grade()

    assert progress.graded == 1
    assert world.most_queued == 1
