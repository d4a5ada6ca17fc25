"""Reads ``testdata.yaml`` or ``test_group.yaml``, the settings of one group; pure."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import Enum, auto

from grader.problems.document import Document
from grader.problems.model import Aggregation, Group

SAMPLE, SECRET = "sample", "secret"
_IGNORE_SAMPLE = "ignore_sample"
_AGGREGATIONS = {word.value: word for word in Aggregation if word is not Aggregation.ALL_OR_NOTHING}
_HARMLESS = ("worst_error", "first_error")  # the first error is the verdict in any case
_WITHOUT_EFFECT = ("always_accept", "accept_if_any_accepted")
#: Known keys that do not matter for judging.
_ABOUT = (
    *("input_validator_flags", "input_validator_args", "input_visualizer_args"),
    *("output_visualizer_args", "full_feedback", "hint", "description"),
)
_UNSUPPORTED = ("args", "static_validation_score", "static_validator_args")
_SECRET_POINTS = 100.0


class Form(Enum):
    """The format whose defaults apply."""

    OWN = auto()
    LEGACY = auto()
    MODERN = auto()  # 2023-07 and later


@dataclass(frozen=True)
class GroupRules:
    """
    Rules of problem.yaml for all groups.

    Args:
        form: Format whose defaults apply.
        scoring: Groups give points; else the problem is passed or failed as a whole.
        by_share: Neither of these: all cases count the same.
        flags: Flags of the checker in all groups.
    """

    form: Form
    scoring: bool = False
    by_share: bool = True
    flags: tuple[str, ...] = ()

    @property
    def shared_points(self) -> bool:
        """Whether the cases of a group share its points, as in the 2023-07 format."""
        return self.form is Form.MODERN and self.scoring


@dataclass(frozen=True)
class GroupYaml:
    """
    The settings of one group.

    Args:
        group: The group.
        flags: Flags of the checker, appended to those of problem.yaml.
        ignore_sample: Whether samples do not count; only the root can set it.
    """

    group: Group
    flags: tuple[str, ...]
    ignore_sample: bool


def read_group_yaml(
    document: Document, inherited: Group, rules: GroupRules, cases: int
) -> GroupYaml:
    """
    Read the settings of a group; an empty document means defaults.

    Args:
        document: The settings; receives errors and warnings.
        inherited: The group with its defaults.
        rules: Rules for all groups.
        cases: Number of cases directly in the group.
    """
    flags = _checker_flags(document)
    words = document.words("grader_flags")
    group = _with_legacy_values(inherited, document, words)
    if rules.shared_points:
        group = _with_shared_points(group, document, cases)
    else:
        group = _with_points(group, document)
    required = tuple(word.strip("/") for word in document.words("require_pass"))
    document.ignore(*_ABOUT)
    for key in _UNSUPPORTED:
        if document.take(key):
            document.wrong(key, "is not supported")
    document.close()
    ignore_sample = not group.name and _IGNORE_SAMPLE in words
    return GroupYaml(replace(group, require_pass=required), flags, ignore_sample)


def _checker_flags(document: Document) -> tuple[str, ...]:
    later = document.words("output_validator_args")
    named = "output_validator_flags"
    if document.holds_mapping(named):  # with the name of the only validator
        section = document.section(named)
        section.ignore("name")
        return (*section.words("flags"), *later)
    return (*document.words(named), *later)


def _with_legacy_values(group: Group, document: Document, grader_flags: tuple[str, ...]) -> Group:
    """Read the settings that subgroups inherit in the legacy format."""
    reject = document.choice("on_reject", ("break", "continue"))
    if reject:
        group = replace(group, stop_at_reject=reject == "break")
    if document.choice("grading", ("default", "custom")) == "custom":
        document.wrong("grading", "custom graders are not supported")
    for word in grader_flags:
        if word in _AGGREGATIONS:
            group = replace(group, aggregation=_AGGREGATIONS[word])
        elif word in _WITHOUT_EFFECT:
            document.warn("grader_flags", f"{word}: no effect; the first error is the verdict")
        elif word not in (*_HARMLESS, _IGNORE_SAMPLE):
            document.warn("grader_flags", f"{word!r}: unknown flag, ignored")
    accept, reject_points = document.number("accept_score"), document.number("reject_score")
    if accept is not None:
        group = replace(group, accept_points=accept)
    if reject_points is not None:
        group = replace(group, reject_points=reject_points)
    return group


def _with_points(group: Group, document: Document) -> Group:
    """Read the range of a group's points, in the keys of either format."""
    least, most = _range(document)
    stated = _max_score(document)
    return replace(
        group,
        aggregation=_aggregation(document) or group.aggregation,
        least_points=least,
        most_points=most if stated is None else stated,
    )


def _with_shared_points(group: Group, document: Document, cases: int) -> Group:
    """Read the points of a group; its cases share them."""
    secret = group.name == SECRET
    default = Aggregation.SUM if secret else Aggregation.ALL_OR_NOTHING
    aggregation = _aggregation(document) or default
    most = _max_score(document)
    if not group.name or group.name == SAMPLE:
        return group
    if most is None and secret:
        most = _SECRET_POINTS
    if most is None:
        document.wrong("max_score", "missing: the points of the group are unknown")
    points = most or 0.0
    each = points / max(cases, 1) if aggregation is Aggregation.SUM else points
    return replace(group, aggregation=aggregation, accept_points=each, most_points=most)


def _aggregation(document: Document) -> Aggregation | None:
    word = document.choice("score_aggregation", ("sum", "min", "pass-fail"))
    return Aggregation(word) if word else None


def _max_score(document: Document) -> float | None:
    return document.number("max_score", least=0)  # "unbounded" has no percentage


def _range(document: Document) -> tuple[float, float | None]:
    """Read the minimum and maximum points; the maximum is None if it is unbounded."""
    words = document.words("range")
    if not words:
        return -math.inf, None
    try:
        least, most = (float(word) for word in words)
    except ValueError:
        document.wrong("range", "must be two numbers, the least and the most points")
        return -math.inf, None
    if not least <= most:  # also NaN
        document.wrong("range", "the least is above the most")
        return -math.inf, None
    return least, most if math.isfinite(most) else None
