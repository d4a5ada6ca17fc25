"""Selects the finished jobs of a rejudging, page by page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

from grader.contract.rejudging import is_rejudged_id
from grader.ports.finished import FinishedJob, FinishedJobs, JobConditions

_PAGE = 500
_Item = TypeVar("_Item")


def select_jobs(
    jobs: FinishedJobs, conditions: JobConditions, request_ids: Sequence[str] | None
) -> Iterator[FinishedJob]:
    """
    Yield the selected jobs in the order of their ids; never those of a rejudging.

    Args:
        jobs: The table of jobs.
        conditions: What must hold.
        request_ids: Only these; None for all.
    """
    found = _all(jobs, conditions) if request_ids is None else _named(jobs, request_ids, conditions)
    return (job for job in found if not is_rejudged_id(job.request_id))


def batches(items: Iterable[_Item], size: int) -> Iterator[list[_Item]]:
    """Yield the items in lists of at most `size`."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def _all(jobs: FinishedJobs, conditions: JobConditions) -> Iterator[FinishedJob]:
    after = ""
    while page := jobs.page(conditions, after, _PAGE):
        yield from page
        after = page[-1].request_id


def _named(
    jobs: FinishedJobs, request_ids: Sequence[str], conditions: JobConditions
) -> Iterator[FinishedJob]:
    """Read jobs by id; the other conditions hold as well."""
    for some in batches(sorted(set(request_ids)), _PAGE):
        yield from jobs.named(some, conditions)
