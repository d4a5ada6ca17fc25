"""
Puts test cases into groups by their directories, and reads the groups' settings; pure.

In the legacy format, as in its reference implementation, and in our own layout, a directory
inherits every value from its parent unless it sets its own.  In the 2023-07 format nothing is
inherited.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

from grader.problems.cases import natural_key
from grader.problems.document import Document
from grader.problems.findings import PackageReport
from grader.problems.group_yaml import SAMPLE, SECRET, Form, GroupRules, read_group_yaml
from grader.problems.model import Aggregation, CaseFiles, Group


def group_cases(
    cases: Iterable[CaseFiles],
    documents: Mapping[str, Document],
    rules: GroupRules,
    findings: PackageReport,
) -> tuple[tuple[CaseFiles, ...], tuple[Group, ...]]:
    """
    Put cases into groups.

    Args:
        cases: Cases in order; `group` is the directory of each.
        documents: Settings of directories, by their paths.
        rules: Rules for all groups.
        findings: Receives errors and warnings.

    Returns:
        The cases with groups and flags, and the groups, parents first.
    """
    placed = [replace(case, group=_place(case.group, rules)) for case in cases]
    sizes = Counter(case.group for case in placed)
    names = {parent for group in sizes for parent in lineage(group)} | {""}
    tree = _Tree(rules)
    for name in sorted(names, key=natural_key):
        document = documents.get(name) or Document(name, {}, findings)
        tree.add(name, document, sizes[name])
    for name in sorted(documents.keys() - names):
        findings.warn(f"{documents[name].where}: has no cases, ignored")
    groups = tuple(tree.groups.values())
    _check_required(groups, findings)
    return tuple(replace(case, flags=tree.flags[case.group]) for case in placed), groups


def lineage(group: str) -> list[str]:
    """Names of the group and all groups around it, the root first."""
    parts = group.split("/") if group else []
    return ["/".join(parts[:count]) for count in range(len(parts) + 1)]


def parent_of(group: str) -> str:
    """Name of the group around it; the root's parent is the root."""
    return group.rpartition("/")[0]


def _place(directory: str, rules: GroupRules) -> str:
    """Group of a directory; in the 2023-07 format, directories within a group are not groups."""
    if rules.form is not Form.MODERN:
        return directory
    depth = 2 if directory.startswith(f"{SECRET}/") else 1
    return "/".join(directory.split("/")[:depth])


class _Tree:
    """Groups by name, parents first, and the checker's flags in each."""

    def __init__(self, rules: GroupRules) -> None:
        self.groups: dict[str, Group] = {}
        self.flags: dict[str, tuple[str, ...]] = {}
        self._rules = rules
        self._ignore_sample = rules.shared_points

    def add(self, name: str, document: Document, cases: int) -> None:
        """Add a group; its parent must be there."""
        inherits = bool(name) and self._rules.form is not Form.MODERN
        inherited = self._inherited(name) if inherits else self._first(name)
        read = read_group_yaml(document, inherited, self._rules, cases)
        self._ignore_sample |= read.ignore_sample
        group = read.group
        if not name and not (self._rules.scoring or self._rules.by_share):
            group = replace(group, aggregation=Aggregation.ALL_OR_NOTHING, most_points=None)
        if name == SAMPLE and self._ignore_sample:
            group = replace(group, counts=False)
        self.groups[name] = group
        handed_down = self.flags[parent_of(name)] if inherits else self._rules.flags
        self.flags[name] = (*self._rules.flags, *read.flags) if read.flags else handed_down

    def _first(self, name: str) -> Group:
        return Group(name, stop_at_reject=self._rules.form is Form.LEGACY)

    def _inherited(self, name: str) -> Group:
        parent = self.groups[parent_of(name)]
        whole = parent.aggregation is Aggregation.ALL_OR_NOTHING
        return replace(
            parent,
            name=name,
            aggregation=Aggregation.SUM if whole else parent.aggregation,
            least_points=-math.inf,
            most_points=None,
        )


def _check_required(groups: tuple[Group, ...], findings: PackageReport) -> None:
    """Report `require_pass` of groups that are not finished before the group starts."""
    names = [group.name for group in groups]
    for place, group in enumerate(groups):
        for required in group.require_pass:
            if required not in names[1:place] or group.name.startswith(f"{required}/"):
                findings.error(f"{group.name}: require_pass: {required!r} is not an earlier group")
