"""Points that an output validator gives a case by the files it leaves; pure."""

from __future__ import annotations

import math

from grader.problems.groups import lineage
from grader.problems.model import CaseFiles, Group, Problem

SCORE_FILE, SHARE_FILE = "score.txt", "score_multiplier.txt"


def points_from_files(
    problem: Problem, case: CaseFiles, score: bytes | None, share: bytes | None
) -> float | None:
    """
    Give the points of an accepted case.

    Where the case's group, or one it lies in, says how many points it has at most, ``score.txt``
    holds points; otherwise a share from 0 to 1 of the points of an accepted case, as
    ``score_multiplier.txt`` always does.

    Args:
        problem: Says whether its validator gives points at all.
        case: The case that was accepted.
        score: Content of ``score.txt``, if there is one.
        share: Content of ``score_multiplier.txt``, if there is one.

    Returns:
        The points; None where the validator gave none, so that those of the group hold.

    Raises:
        ValueError: Not a number, or outside its range; says which.
    """
    groups = {group.name: group for group in problem.groups}
    path = [groups[name] for name in lineage(case.group)]
    if not problem.settings.custom_scores or not all(group.counts for group in path):
        return None
    if share is not None:
        return _number(SHARE_FILE, share, 1.0) * path[-1].accept_points
    if score is None:
        return None
    most = most_points(path)
    if most is None:
        return _number(SCORE_FILE, score, 1.0) * path[-1].accept_points
    return _number(SCORE_FILE, score, most)


def most_points(path: list[Group]) -> float | None:
    """Bound of the innermost of some nested groups that has one."""
    return next((one.most_points for one in reversed(path) if one.most_points is not None), None)


def _number(name: str, content: bytes, most: float) -> float:
    try:
        value = float(content)
    except ValueError:
        raise ValueError(f"{name} holds no number") from None
    if not math.isfinite(value) or not 0 <= value <= most:
        raise ValueError(f"{name} holds {value:g}, which is not from 0 to {most:g}")
    return value
