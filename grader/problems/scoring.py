"""
Computes the grade of a submission from the results of its cases; pure.

The verdict is that of the first case, in order, that was not accepted.  The score is the points in
percent of the full points, rounded down; 100 means full points *and* every case accepted.  Points:

- an accepted case has the points of the checker, else the ``accept_points`` of its group; another
  case has ``reject_points``, and a case that was not run has none;
- a group has the sum (``sum``), minimum (``min``), maximum (``max``) or mean (``avg``) of its cases
  and subgroups; ``pass-fail`` gives full points if every case below was accepted, else none; the
  result is clamped to the group's minimum and maximum;
- groups that do not count (samples, if the problem says so) do not affect verdict and score.

A problem without points has one group with a point per case, so its score is the share of accepted
cases.  Example: ``secret/easy`` (min, 30 points) all accepted and
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
#: Maximum number of cases with a reason; more would make a result too large for a message.
_MAX_REASONS = 1000
#: Tolerance for rounding errors in sums of fractions.
_EPSILON = 1e-9


@dataclass
class _Node:
    """A group with its cases and subgroups; groups without cases are left out."""

    group: Group
    cases: list[CaseFiles] = field(default_factory=list)
    children: list[_Node] = field(default_factory=list)

    def full(self) -> float:
        """Full points of the group."""
        most = self.group.most_points
        return self.of_members() if most is None else most

    def of_members(self) -> float:
        """Points of the group if all its members are accepted."""
        if self.group.aggregation is Aggregation.ALL_OR_NOTHING:
            return self.group.accept_points
        members = [self.group.accept_points] * len(self.cases)
        return _combine(
            self.group.aggregation, [*members, *(child.full() for child in self.children)]
        )

    def points(self, results: Mapping[str, CaseResult]) -> float:
        """Points of the group for results by case name."""
        if self.group.aggregation is Aggregation.ALL_OR_NOTHING:
            return self.full() if self.is_accepted(results) else 0.0
        members = [self._case_points(results.get(case.name)) for case in self.cases]
        members += [child.points(results) for child in self.children]
        points = _combine(self.group.aggregation, members)
        most = math.inf if self.group.most_points is None else self.group.most_points
        return min(max(points, self.group.least_points), most)

    def is_accepted(self, results: Mapping[str, CaseResult]) -> bool:
        """Whether every case below ran and was accepted."""
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
    """Return the points of a submission that passes every case."""
    return _tree(problem)[""].full()


def shortfalls(problem: Problem) -> list[str]:
    """Find groups whose full points cannot be reached, unless the validator gives points."""
    return [
        f"{name or 'all cases'}: {node.full():g} points, but its cases and groups give only"
        f" {node.of_members():g}; the full score cannot be reached"
        for name, node in _tree(problem).items()
        if not problem.settings.custom_scores
        and node.group.aggregation is not Aggregation.ALL_OR_NOTHING
        and node.of_members() < node.full() * (1 - _EPSILON)
    ]


def _tree(problem: Problem) -> dict[str, _Node]:
    """Nodes by name of the groups that count and have cases; of all groups if none counts."""
    ignored = [group.name for group in problem.groups if not group.counts]
    counted = [case for case in problem.cases if not set(lineage(case.group)) & set(ignored)]
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
    Collects the results of one submission in the order of the cases, and computes its grade.

    Args:
        problem: The problem, with cases and groups.
        stop_at_first_failure: Whether to run no further case after one was not accepted.
    """

    def __init__(self, problem: Problem, *, stop_at_first_failure: bool = False) -> None:
        self._problem = problem
        self._stop_at_first_failure = stop_at_first_failure
        self._groups = {group.name: group for group in problem.groups}
        self._nodes = _tree(problem)
        self._results: dict[str, CaseResult] = {}
        self._left = _count_cases(problem)
        self._reasons = 0
        #: By group, its members that were not accepted: subgroups, or "." for a case of its own.
        self._rejected: dict[str, set[str]] = {name: set() for name in self._groups}

    def wants(self, case: CaseFiles) -> bool:
        """Whether the case has to run, given the results so far."""
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

    def add(self, case: CaseFiles, result: CaseResult) -> CaseResult:
        """Add the result of a case that had to run; returns it with its group and points."""
        path = lineage(case.group)
        complete = self._complete(case, result)
        self._results[case.name] = complete
        accepted = result.status is Verdict.ACCEPTED
        for name, member in zip(path, [*path[1:], "."], strict=True):
            self._left[name] -= 1
            if not accepted:
                self._rejected[name].add(member)
        return complete

    def grade(self) -> Grade:
        """Compute the grade; at least one result must have been added."""
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
        """Add group and points to a result, and drop its reason after the first 1000."""
        update: dict[str, object] = {"group": case.group or None}
        self._reasons += bool(result.reason)
        if self._reasons > _MAX_REASONS:
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
        percent = math.floor(_PERCENT * min(max(share, 0.0), 1.0) + _EPSILON)
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
