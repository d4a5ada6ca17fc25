"""Computes the points of a case from the score files of an output validator; pure."""

from __future__ import annotations

import math

from grader.problems.groups import lineage
from grader.problems.model import CaseFiles, Group, Problem

SCORE_FILE, SHARE_FILE = "score.txt", "score_multiplier.txt"


def points_from_files(
    problem: Problem, case: CaseFiles, score: bytes | None, share: bytes | None
) -> float | None:
    """
    Return the points of an accepted case.

    ``score.txt`` contains points if the case's group, or a group around it, has a maximum;
    otherwise a share from 0 to 1 of the points of an accepted case, as does
    ``score_multiplier.txt`` always.

    Args:
        problem: The problem; its settings decide whether the validator gives points.
        case: The accepted case.
        score: Content of ``score.txt``; None if it does not exist.
        share: Content of ``score_multiplier.txt``; None if it does not exist.

    Returns:
        The points; None if the validator gave none, so that those of the group apply.

    Raises:
        ValueError: A file does not contain a number in its range.
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
    """Maximum points of the innermost group of a path that has a maximum."""
    return next((one.most_points for one in reversed(path) if one.most_points is not None), None)


def _number(name: str, content: bytes, most: float) -> float:
    try:
        value = float(content)
    except ValueError:
        raise ValueError(f"{name} does not contain a number") from None
    if not math.isfinite(value) or not 0 <= value <= most:
        raise ValueError(f"{name} contains {value:g}, which is not from 0 to {most:g}")
    return value
