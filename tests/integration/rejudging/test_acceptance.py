"""New results replace the old ones, or are removed, on a real database."""

from __future__ import annotations

import pytest
from rejudging_world import World
from sample_results import completed, failed, request
from unsearchable_queues import UnsearchableBroker

from gradectl.errors import TryAgainError
from gradectl.rejudging.queued import queued_messages, remove_queued
from gradectl.rejudging.results import Acceptance, compare
from gradectl.rejudging.selection import select_jobs
from gradectl.rejudging.state_file import open_state
from grader.adapters.mysql.table import JOBS
from grader.contract.bucket import execution_log_key, result_key
from grader.contract.names import REQUESTS_QUEUE
from grader.contract.verdicts import ErrorCode, Verdict
from grader.ports.finished import JobConditions
from grader.ports.jobs import DEFAULT_LEASE
from grader.testing import MemoryObjectStore

pytestmark = pytest.mark.engine


def outcomes(world: World) -> dict[str, str]:
    """The verdicts in the table."""
    jobs = select_jobs(world.finished, JobConditions(), None)
    return {job.request_id: job.outcome for job in jobs}


def test_failures_of_the_problem_are_graded_again_and_never_accepted(world: World) -> None:
    """A verdict is not replaced by a failure."""
    world.submit("a")
    world.submit("b")
    world.begin()
    first = world.grade(lambda: world.work(lambda each: failed(each, ErrorCode.PROBLEM_INVALID)))
    with open_state(world.folder, "again") as state:
        comparison = compare(world.finished, state)
        assert sorted(comparison.failures) == ["a", "b"]
        assert (comparison.graded, comparison.changes, state.state) == (0, [], "grading")

    second = world.grade(
        lambda: world.work(
            lambda each: (
                failed(each, ErrorCode.PROBLEM_INVALID)
                if each.startswith("a")
                else completed(each, Verdict.ACCEPTED, 100)
            )
        )
    )
    with open_state(world.folder, "again", changing=True) as state:
        Acceptance(world.finished, world.objects, "bucket").run(state)
        assert state.kept == {"a": "the second grading failed: PROBLEM_INVALID"}

    assert [(each.graded, each.failed) for each in (first, second)] == [(0, 2), (1, 1)]
    assert outcomes(world) == {"a": "WA", "b": "AC"}


def test_a_result_that_changed_meanwhile_is_not_replaced(world: World) -> None:
    """Such as that of another rejudging, accepted after this one had begun."""
    world.submit("a")
    world.submit("b")
    world.begin()
    world.begin("other")
    world.grade()
    world.grade(name="other")
    with open_state(world.folder, "other", changing=True) as state:
        Acceptance(world.finished, world.objects, "bucket").run(state)
    world.jobs.delete("b")

    with open_state(world.folder, "again", changing=True) as state:
        Acceptance(world.finished, world.objects, "bucket").run(state)

        assert sorted(state.kept) == ["a", "b"]
        assert "has changed" in state.kept["a"]
    found = world.rows()["a"]
    assert found is not None
    assert found.rejudging == "other"


class Stop(BaseException):
    """Stands for Ctrl-C."""


class Interrupting(MemoryObjectStore):
    """A bucket whose calls are counted; one of them is interrupted, before or after its effect."""

    def __init__(self, objects: dict[str, bytes]) -> None:
        super().__init__()
        self.objects = objects
        self.calls = 0
        self.stop_at = -1

    def step(self) -> None:
        self.calls += 1
        if self.calls == self.stop_at:
            raise Stop

    def put(self, key: str, body: bytes, *, content_type: str) -> None:
        self.step()
        super().put(key, body, content_type=content_type)
        self.step()

    def delete(self, keys: object) -> None:
        self.step()
        super().delete(keys)
        self.step()


def accepted_with(world: World, stop_at: int) -> Interrupting:
    """Accept, interrupted at a step, and again until the end."""
    store = Interrupting(world.objects.objects)
    store.stop_at = stop_at
    acceptance = Acceptance(world.finished, store, "bucket", lambda _result: store.step())

    def run() -> None:
        with open_state(world.folder, "again", changing=True) as state:
            acceptance.run(state)

    try:
        run()
    except Stop:
        run()
    return store


def state_of(world: World) -> tuple[dict[str, bytes], dict[str, str | None]]:
    """Everything that accepting may change, without times."""
    rows = {key: row and row.to_json().decode() for key, row in world.rows().items()}
    return dict(world.objects.objects), rows


def test_accepting_may_be_interrupted_at_any_step(world: World) -> None:
    """The end is the same: new results, the old ones kept, nothing of the rejudging left."""

    def prepared() -> None:
        with world.engine.connect() as connection:
            connection.execute(JOBS.delete())
        world.objects.objects.clear()
        for path in world.folder.iterdir():
            path.unlink()
        world.submit("a")
        world.submit("b")
        world.begin()
        world.grade()

    prepared()
    steps = accepted_with(world, -1).calls
    expected = state_of(world)
    assert steps > 15
    assert b'"WA"' in expected[0]["results/a/before-again.json"]
    assert expected[0]["results/a/before-again.log"] == b"log of a"
    assert expected[0][execution_log_key("a")] == b"log of a.rejudge.again"
    assert b'"AC"' in expected[0][result_key("a")]
    assert sorted(expected[1]) == ["a", "b"]
    assert not [key for key in expected[0] if ".rejudge." in key]

    for stop_at in range(1, steps + 1):
        prepared()
        accepted_with(world, stop_at)
        assert state_of(world) == expected, f"interrupted at step {stop_at}"


def test_what_a_worker_has_is_not_removed(world: World) -> None:
    """It would store its result afterwards."""
    world.submit("a")
    world.submit("b")
    world.begin()
    world.take()

    with pytest.raises(TryAgainError, match="1 requests of the rejudging are being graded"):
        world.remove()

    world.jobs.finish(completed("a.rejudge.again", Verdict.ACCEPTED, 100), attempt=1)
    assert world.finished.users("rejudge.") == ["rejudge.again"]
    assert world.remove() == 1
    assert sorted(world.rows()) == ["a", "b"]


@pytest.mark.parametrize("gives_back", [True, False], ids=["given back", "lease over"])
def test_what_no_worker_has_any_more_is_removed(world: World, *, gives_back: bool) -> None:
    """Nobody would ever give such a request a result, because its message is removed, too."""
    world.submit("a")
    world.begin()
    world.take()

    if gives_back:
        assert world.jobs.give_back("worker", "a.rejudge.again", 1)
    else:
        world.moment += 2 * DEFAULT_LEASE

    assert world.remove() == 1
    assert sorted(world.rows()) == ["a"]


def test_the_messages_of_one_rejudging_are_removed(world: World) -> None:
    """Also two of one request; others stay, also those of a low priority."""
    for name in ("again", "other"):
        for each in "ab":
            found = request(f"{each}.rejudge.{name}")
            headers = {"priority": "1", "x-gradectl-rejudging": name}
            world.broker.send(REQUESTS_QUEUE, found.to_json(), headers)

    twice = request("b.rejudge.again")
    headers = {"priority": "1", "x-gradectl-rejudging": "again"}
    world.broker.send(REQUESTS_QUEUE, twice.to_json(), headers)

    assert remove_queued(world.broker, "again") == 3
    assert sorted(queued_messages(world.broker, "other")) == ["a.rejudge.other", "b.rejudge.other"]
    assert queued_messages(world.broker, "again") == {}


def test_the_messages_of_a_rejudging_are_removed_from_sqs(world: World) -> None:
    """They are found among those that are received; those of others stay."""
    world.broker = UnsearchableBroker()
    for name in ("again", "other"):
        found = request(f"a.rejudge.{name}")
        world.broker.send(REQUESTS_QUEUE, found.to_json(), {"x-gradectl-rejudging": name})

    assert remove_queued(world.broker, "again") == 1

    (left,) = world.broker.messages(REQUESTS_QUEUE)
    assert left.headers["x-gradectl-rejudging"] == "other"
    assert queued_messages(world.broker, "other") == {}
