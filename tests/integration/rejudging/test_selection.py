"""Jobs are selected for a second grading, on a real database."""

from __future__ import annotations

from datetime import UTC

import pytest
from rejudging_world import World
from sample_results import completed, failed, request

from gradectl.rejudging.selection import select_jobs
from grader.adapters.mysql.table import JOBS
from grader.contract.names import REQUESTS_QUEUE
from grader.contract.verdicts import ErrorCode, Verdict
from grader.ports.finished import JobConditions
from grader.ports.jobs import Claim

pytestmark = pytest.mark.engine


def selected(world: World, **conditions: object) -> list[str]:
    found = JobConditions(**conditions)
    return [job.request_id for job in select_jobs(world.finished, found, None)]


def test_jobs_are_selected_by_each_condition(world: World) -> None:
    """All of them must hold; running requests and those of a rejudging are never selected."""
    world.submit("a")
    world.submit("b", completed("b", Verdict.ACCEPTED, 100), language="c", user_id="bob")
    world.submit("c", failed("c", ErrorCode.CHECKER_FAILED), problem_id="other")
    world.submit("a.rejudge.before")
    world.jobs.claim(Claim(request("d"), "ID:d", REQUESTS_QUEUE, "worker"))
    with world.engine.connect() as connection:
        times = {row.request_id: row.created_at for row in connection.execute(JOBS.select())}
    second = times["b"].replace(tzinfo=UTC)

    assert selected(world) == ["a", "b", "c"]
    assert selected(world, problems=("sum",)) == ["a", "b"]
    assert selected(world, languages=("c", "cpp")) == ["b"]
    assert selected(world, users=("ann",), problems=("sum",)) == ["a"]
    assert selected(world, outcomes=("WA", "CHECKER_FAILED")) == ["a", "c"]
    assert selected(world, since=second) == ["b", "c"]
    assert selected(world, until=second) == ["a"]
    named = select_jobs(world.finished, JobConditions(outcomes=("WA",)), ["b", "a", "x", "d"])
    assert [job.request_id for job in named] == ["a"]


def test_jobs_are_read_in_pages(world: World) -> None:
    """None is missing or twice, whatever the size of a page."""
    names = [f"r{number}" for number in range(7)]
    for name in names:
        world.submit(name)

    pages, after = [], ""
    while page := world.finished.page(JobConditions(), after, 3):
        pages.append([job.request_id for job in page])
        after = page[-1].request_id

    assert [len(page) for page in pages] == [3, 3, 1]
    assert [name for page in pages for name in page] == names


def test_the_file_can_be_made_again(world: World) -> None:
    """With the name and the conditions that it had; nothing is graded twice."""
    world.submit("a")
    world.begin()
    world.grade()
    for path in world.folder.iterdir():
        path.unlink()

    world.begin()
    sent: list[bytes] = []
    world.broker.on_send = lambda _queue, body: sent.append(body)
    progress = world.grade()

    assert (progress.graded, sent) == (1, [])
