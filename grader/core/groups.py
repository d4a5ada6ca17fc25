"""
How the directories of test cases count: from ``testdata.yaml`` and ``test_group.yaml``; pure.

The legacy format hands every value down to the directories below, until one says otherwise, as its
reference implementation does.  The later one hands nothing down.  Both files may be used in
either, and in our own layout.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto

from grader.contract.problem import Aggregation, CaseFiles, Group
from grader.core.cases import natural_key
from grader.core.document import Document
from grader.core.findings import Findings

SAMPLE, SECRET = "sample", "secret"
_AGGREGATIONS = {word.value: word for word in Aggregation if word is not Aggregation.ALL_OR_NOTHING}
_HARMLESS = ("worst_error", "first_error")  # the first error is the verdict in any case
_WITHOUT_EFFECT = ("always_accept", "accept_if_any_accepted")
_SECRET_POINTS = 100.0


class Form(Enum):
    """Whose rules hold where a file says nothing."""

    OWN = auto()
    LEGACY = auto()
    MODERN = auto()  # 2023-07 and later


@dataclass(frozen=True)
class Rules:
    """
    What problem.yaml says for all groups.

    Args:
        form: Whose rules hold.
        scoring: Points count by group; else the problem is passed or failed as a whole.
        by_share: Neither: every case counts the same.
        flags: For the checker, in all groups.
    """

    form: Form
    scoring: bool = False
    by_share: bool = True
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Read:
    """A group, and what it hands down that is not part of it."""

    group: Group
    flags: tuple[str, ...] = ()


def group_cases(
    cases: Iterable[CaseFiles],
    documents: Mapping[str, Document],
    rules: Rules,
    findings: Findings,
) -> tuple[tuple[CaseFiles, ...], tuple[Group, ...]]:
    """
    Put cases into groups.

    Args:
        cases: In their order; `group` is the directory of each.
        documents: The settings of directories that have some, by their paths.
        rules: What holds for all.
        findings: Told what is wrong.

    Returns:
        The cases with their groups and flags, and the groups, parents first.
    """
    placed = [replace(case, group=_place(case.group, rules)) for case in cases]
    sizes = Counter(case.group for case in placed)
    reader = _Reader(documents, rules, findings, sizes)
    for name in sorted({parent for group in sizes for parent in lineage(group)}, key=natural_key):
        reader.read(name)
    groups = tuple(read.group for read in reader.found.values())
    _check_required(groups, findings)
    return (
        tuple(replace(case, flags=reader.found[case.group].flags) for case in placed),
        groups,
    )


def lineage(group: str) -> list[str]:
    """Name the group and all it lies in, the root first."""
    parts = group.split("/") if group else []
    return ["/".join(parts[:count]) for count in range(len(parts) + 1)]


def parent_of(group: str) -> str:
    """Name the group it lies in; the root lies in itself."""
    return group.rpartition("/")[0]


def _place(directory: str, rules: Rules) -> str:
    """In the later format a group's own directories are no groups."""
    if rules.form is not Form.MODERN:
        return directory
    depth = 2 if directory.startswith(f"{SECRET}/") else 1
    return "/".join(directory.split("/")[:depth])


class _Reader:
    """Reads one group after the other; `found` has them by name."""

    def __init__(
        self,
        documents: Mapping[str, Document],
        rules: Rules,
        findings: Findings,
        sizes: Mapping[str, int],
    ) -> None:
        self._documents = documents
        self._rules = rules
        self._findings = findings
        self._sizes = sizes
        self.found: dict[str, _Read] = {}
        self._samples_count = rules.form is not Form.MODERN or not rules.scoring

    def read(self, name: str) -> None:
        """Read a group whose parent was read."""
        document = self._documents.get(name) or Document(name, {}, self._findings)
        base = self._inherited(name)
        flags = self._flags(document) or base.flags
        group = self._legacy_values(base.group, document)
        if self._rules.form is Form.MODERN and self._rules.scoring:
            group = self._modern_points(group, document)
        else:
            group = self._any_points(group, document)
        required = tuple(word.strip("/") for word in document.words("require_pass"))
        document.close()
        if not name and not (self._rules.scoring or self._rules.by_share):
            group = replace(group, aggregation=Aggregation.ALL_OR_NOTHING, most_points=None)
        counts = group.counts and (name != SAMPLE or self._samples_count)
        group = replace(group, counts=counts, require_pass=required)
        self.found[name] = _Read(group, flags)

    def _inherited(self, name: str) -> _Read:
        first = Group(name, stop_at_reject=self._rules.form is Form.LEGACY)
        if not name or self._rules.form is Form.MODERN:
            return _Read(first, self._rules.flags)
        read = self.found[parent_of(name)]
        aggregation = read.group.aggregation
        if aggregation is Aggregation.ALL_OR_NOTHING:
            aggregation = Aggregation.SUM
        fresh = replace(
            read.group, name=name, aggregation=aggregation, least_points=-math.inf, most_points=None
        )
        return _Read(fresh, read.flags)

    def _flags(self, document: Document) -> tuple[str, ...]:
        """Arguments of the checker; those of problem.yaml come first."""
        later = document.words("output_validator_args")
        value = document.take("output_validator_flags")
        if isinstance(value, dict):  # with the name of the validator, of which there is one
            value = value.get("flags", "")
        words = (*str(value or "").split(), *later)
        return (*self._rules.flags, *words) if words else ()

    def _legacy_values(self, group: Group, document: Document) -> Group:
        """Everything that the legacy format hands down."""
        reject = document.choice("on_reject", ("break", "continue"))
        if reject:
            group = replace(group, stop_at_reject=reject == "break")
        if document.choice("grading", ("default", "custom")) == "custom":
            document.wrong("grading", "a grader of the package's own cannot be run here")
        for word in document.words("grader_flags"):
            group = self._grader_flag(group, document, word)
        accept, reject_points = document.number("accept_score"), document.number("reject_score")
        if accept is not None:
            group = replace(group, accept_points=accept)
        if reject_points is not None:
            group = replace(group, reject_points=reject_points)
        document.ignore("input_validator_flags", "input_validator_args", "full_feedback")
        document.ignore("input_visualizer_args", "output_visualizer_args", "hint", "description")
        for unsupported in ("args", "static_validation_score", "static_validator_args"):
            if unsupported in document:
                document.take(unsupported)
                document.wrong(unsupported, "cannot be done here")
        return group

    def _grader_flag(self, group: Group, document: Document, word: str) -> Group:
        if word in _AGGREGATIONS:
            return replace(group, aggregation=_AGGREGATIONS[word])
        if word == "ignore_sample" and not group.name:
            self._samples_count = False
        elif word in _WITHOUT_EFFECT:
            document.warn("grader_flags", f"{word}: no effect; the first error is the verdict")
        elif word not in _HARMLESS:
            document.warn("grader_flags", f"{word!r}: unknown, not used")
        return group

    def _any_points(self, group: Group, document: Document) -> Group:
        """Bounds of a group, by either format's words."""
        least, most = _range(document)
        stated = _max_score(document)
        return replace(
            group,
            aggregation=_aggregation(document) or group.aggregation,
            least_points=least,
            most_points=most if stated is None else stated,
        )

    def _modern_points(self, group: Group, document: Document) -> Group:
        """Points by the later format: a group says how many it has, and its cases share them."""
        secret = group.name == SECRET
        default = Aggregation.SUM if secret else Aggregation.ALL_OR_NOTHING
        aggregation = _aggregation(document) or default
        most = _max_score(document)
        if not group.name or group.name == SAMPLE:
            return group
        if most is None and secret:
            most = _SECRET_POINTS
        if most is None:
            document.wrong("max_score", "missing: nothing says how many points the group has")
        points = most or 0.0
        count = max(self._sizes.get(group.name, 0), 1)
        each = points / count if aggregation is Aggregation.SUM else points
        return replace(group, aggregation=aggregation, accept_points=each, most_points=most)


def _aggregation(document: Document) -> Aggregation | None:
    word = document.choice("score_aggregation", ("sum", "min", "pass-fail"))
    return Aggregation(word) if word else None


def _max_score(document: Document) -> float | None:
    return document.number("max_score", least=0)  # "unbounded" is no whole to be a percentage of


def _range(document: Document) -> tuple[float, float | None]:
    """Read the least and the most points; the most is None where it is not bounded."""
    words = document.words("range")
    if not words:
        return -math.inf, None
    try:
        least, most = (float(word) for word in words)
    except ValueError:
        document.wrong("range", "must be two numbers, the least and the most points")
        return -math.inf, None
    if not least <= most:  # also what is not a number
        document.wrong("range", "the least is above the most")
        return -math.inf, None
    return least, most if math.isfinite(most) else None


def _check_required(groups: tuple[Group, ...], findings: Findings) -> None:
    """A group can only wait for one that is over before it begins."""
    names = [group.name for group in groups]
    for place, group in enumerate(groups):
        for required in group.require_pass:
            if required not in names[1:place]:
                findings.error(
                    f"{group.name}: require_pass: {required!r} is no group before this one"
                )
