"""
From the results of single cases to the grade of a submission; pure.

The verdict is that of the first case, in order, that was not accepted.  The score is the points in
percent of all points, rounded down; 100 means all points *and* every case accepted.  Points:

- an accepted case gives the points that the checker gave it, else the ``accept_points`` of its
  group; another one gives ``reject_points``, and one that was not run gives none;
- a group adds up its cases and groups (``sum``), or takes the least (``min``), the most (``max``)
  or the mean (``avg``) of them; ``pass-fail`` gives its full points when every case below it was
  accepted, and none otherwise; then it is held within the group's least and most points;
- groups that do not count (samples, where the problem says so) have no say in verdict and score.

A problem that says nothing about points has one group with a point for each case, so its score is
the share of accepted cases.  Example: ``secret/easy`` (min, 30 points) all accepted and
``secret/hard`` (sum, 70 points over 7 cases) accepted in 4 of 7 gives 30 + 40 of 100: score 70,
with the verdict of the first case of ``hard`` that failed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from grader.contract.messages import CaseResult, Grade
from grader.contract.verdicts import Verdict
from grader.problems.groups import lineage, parent_of
from grader.problems.model import Aggregation, CaseFiles, Group, Problem

_PERCENT = 100
#: How many cases say why they were not accepted: with thousands, a result would outgrow a message.
_MOST_REASONS = 1000
#: Sums of fractions miss whole numbers by less than this.
_FUZZ = 1e-9


@dataclass
class _Node:
    """A group with what is in it; those without any case are left out."""

    group: Group
    cases: list[CaseFiles] = field(default_factory=list)
    children: list[_Node] = field(default_factory=list)

    def full(self) -> float:
        """Most points that can be had here."""
        most = self.group.most_points
        return self.of_members() if most is None else most

    def of_members(self) -> float:
        """Most points that the cases and groups in it can give."""
        if self.group.aggregation is Aggregation.ALL_OR_NOTHING:
            return self.group.accept_points
        members = [self.group.accept_points] * len(self.cases)
        return _combine(
            self.group.aggregation, [*members, *(child.full() for child in self.children)]
        )

    def points(self, results: Mapping[str, CaseResult]) -> float:
        """Points of these results, by the names of their cases."""
        if self.group.aggregation is Aggregation.ALL_OR_NOTHING:
            return self.full() if self.is_accepted(results) else 0.0
        members = [self._case_points(results.get(case.name)) for case in self.cases]
        members += [child.points(results) for child in self.children]
        points = _combine(self.group.aggregation, members)
        most = math.inf if self.group.most_points is None else self.group.most_points
        return min(max(points, self.group.least_points), most)

    def is_accepted(self, results: Mapping[str, CaseResult]) -> bool:
        """Whether every case below was run and accepted."""
        return all(
            case.name in results and results[case.name].status is Verdict.ACCEPTED
            for case in self.cases
        ) and all(child.is_accepted(results) for child in self.children)

    def _case_points(self, result: CaseResult | None) -> float:
        if result is None:
            return 0.0
        if result.score is not None:
            return result.score
        accepted = result.status is Verdict.ACCEPTED
        return self.group.accept_points if accepted else self.group.reject_points


def _combine(aggregation: Aggregation, points: list[float]) -> float:
    if aggregation is Aggregation.MIN:
        return min(points)
    if aggregation is Aggregation.MAX:
        return max(points)
    total = math.fsum(points)
    return total / len(points) if aggregation is Aggregation.AVERAGE else total


def full_points(problem: Problem) -> float:
    """Give the points of a faultless submission."""
    return _tree(problem)[""].full()


def shortfalls(problem: Problem) -> list[str]:
    """Find groups with more points than a faultless submission gets, unless a validator gives."""
    return [
        f"{name or 'all cases'}: {node.full():g} points, but what is in it gives"
        f" {node.of_members():g}; the full score cannot be reached"
        for name, node in _tree(problem).items()
        if not problem.settings.custom_scores
        and node.group.aggregation is not Aggregation.ALL_OR_NOTHING
        and node.of_members() < node.full() * (1 - _FUZZ)
    ]


def _tree(problem: Problem) -> dict[str, _Node]:
    """Nodes by name, of the groups that count and have cases; of all when none would count."""
    silent = [group.name for group in problem.groups if not group.counts]
    counted = [case for case in problem.cases if not set(lineage(case.group)) & set(silent)]
    nodes: dict[str, _Node] = {}
    groups = {group.name: group for group in problem.groups}
    for case in counted or problem.cases:
        for name in lineage(case.group):
            if name not in nodes:
                nodes[name] = _Node(groups[name])
                if name:
                    nodes[parent_of(name)].children.append(nodes[name])
        nodes[case.group].cases.append(case)
    return nodes


class Scorer:
    """
    Collects the results of one submission, in the order of the cases.

    Args:
        problem: Its cases and groups.
        stop_at_first_failure: The request wants no further case once one was not accepted.
    """

    def __init__(self, problem: Problem, *, stop_at_first_failure: bool = False) -> None:
        """Nothing was run yet."""
        self._problem = problem
        self._stop_at_first_failure = stop_at_first_failure
        self._groups = {group.name: group for group in problem.groups}
        self._nodes = _tree(problem)
        self._results: dict[str, CaseResult] = {}
        self._left = _count_cases(problem)
        self._reasons = 0
        #: For each group, what in it was not accepted: names of groups, "." for a case of its own.
        self._rejected: dict[str, set[str]] = {name: set() for name in self._groups}

    def wants(self, case: CaseFiles) -> bool:
        """Whether the case has to be run, after all that were added."""
        path = lineage(case.group)
        if self._stop_at_first_failure and self._rejected[""]:
            return False
        for name, member in zip(path, [*path[1:], "."], strict=True):
            group = self._groups[name]
            others = self._rejected[name] - ({member} if member != "." else set())
            if group.stop_at_reject and others:
                return False
            if any(self._left[one] or self._rejected[one] for one in group.require_pass):
                return False
        return True

    def add(self, case: CaseFiles, result: CaseResult) -> None:
        """Take the result of a case that was wanted."""
        path = lineage(case.group)
        self._results[case.name] = self._complete(case, result)
        accepted = result.status is Verdict.ACCEPTED
        for name, member in zip(path, [*path[1:], "."], strict=True):
            self._left[name] -= 1
            if not accepted:
                self._rejected[name].add(member)

    def grade(self) -> Grade:
        """Add up; at least one case was added."""
        results = list(self._results.values())
        first = next((one for one in self._counted() if one.status is not Verdict.ACCEPTED), None)
        return Grade(
            verdict=Verdict.ACCEPTED if first is None else first.status,
            score=self._score(accepted=first is None),
            execution_time=sum(one.time for one in results),
            memory_usage=max(one.memory for one in results),
            test_results=tuple(results),
            wall_time=_total([one.wall_time for one in results]),
            memory_kb=max((one.memory_kb or 0 for one in results), default=0) or None,
            cases_total=len(self._problem.cases),
            fault=first.fault if first else None,
            reason=first.reason if first else None,
        )

    def _complete(self, case: CaseFiles, result: CaseResult) -> CaseResult:
        """Say the group, and the points where the problem gives some; drop reasons beyond many."""
        update: dict[str, object] = {"group": case.group or None}
        self._reasons += bool(result.reason)
        if self._reasons > _MOST_REASONS:
            update["reason"] = None
        if result.score is None and self._problem.settings.gives_points:
            group = self._groups[case.group]
            accepted = result.status is Verdict.ACCEPTED
            update["score"] = group.accept_points if accepted else group.reject_points
        return result.model_copy(update=update)

    def _counted(self) -> list[CaseResult]:
        return [
            self._results[case.name]
            for case in self._problem.cases
            if case.group in self._nodes and case.name in self._results
        ]

    def _score(self, *, accepted: bool) -> int:
        root = self._nodes[""]
        share = root.points(self._results) / root.full()
        percent = math.floor(_PERCENT * min(max(share, 0.0), 1.0) + _FUZZ)
        return percent if accepted else min(percent, _PERCENT - 1)


def _count_cases(problem: Problem) -> dict[str, int]:
    """Count the cases below each group."""
    left = {group.name: 0 for group in problem.groups}
    for case in problem.cases:
        for name in lineage(case.group):
            left[name] += 1
    return left


def _total(values: list[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
