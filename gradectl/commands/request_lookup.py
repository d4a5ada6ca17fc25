"""Looks one request up in all places, and says that it is in none."""

from __future__ import annotations

from collections.abc import Sequence

from gradectl.errors import GradectlError, UnreachableError
from gradectl.job_table import jobs_of
from gradectl.submissions.lookup import LookupResult, look_up
from gradectl.target import EnvironmentClient


def look_everywhere(target: EnvironmentClient, request_id: str) -> LookupResult:
    """Look into the bucket, the database, the queues and the delayed retries of an environment."""
    return look_up(
        request_id,
        target.objects,
        lambda: jobs_of(target),
        lambda: target.broker("operator"),
        open_scheduler=target.broker,
        everywhere=True,
    )


def not_found(
    target: EnvironmentClient,
    request_ids: Sequence[str],
    unread: Sequence[str] = (),
    places: str = "bucket, database and queues",
) -> GradectlError:
    """
    Return the error that requests were not found, or that this cannot be known now.

    Args:
        target: The environment.
        request_ids: The requests.
        unread: What could not be read.
        places: Where they were looked for.
    """
    names = ", ".join(map(repr, request_ids))
    what = f"request{'' if len(request_ids) == 1 else 's'} {names} not found"
    if unread:
        text = f"{what}, but not all sources could be reached"
        return UnreachableError(text, where="\n".join(unread), next_step=target.look_at)
    return GradectlError(
        what,
        where=f"{places} of {target.name}",
        next_step="check the id that gradectl submit printed, and the environment",
    )
