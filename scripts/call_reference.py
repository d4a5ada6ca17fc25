"""Generates docs/system-calls.md from the system call policies."""

from __future__ import annotations

import errno
from collections import defaultdict
from collections.abc import Iterable
from itertools import groupby

from grader.sandbox.calls import GROUPS, LAST_REVIEWED, REVIEWED_KERNEL, UNNEEDED
from grader.sandbox.filters import ALLOW, NOTIFY, Match, Rule, error_of
from grader.sandbox.policy import POLICIES, rules_of

# ruff: noqa: E501 - lines of Markdown end at 120 columns
_HEAD = f"""\
# System calls

For people who review the sandbox, or look for the reason why a call fails in it: what each policy answers to each
system call. `make docs` writes this page from `grader/sandbox/policy.py`, and a test makes every refused call in the
running kernel.

The list was read for Linux {REVIEWED_KERNEL}, for x86-64 and arm64, up to call {LAST_REVIEWED}. Later calls, and those of
the last table, fail with ENOSYS, as in a kernel without them. Calls of another architecture (32-bit `int 0x80`, x32)
end the process.
"""
_WORDS = {ALLOW: "allowed", NOTIFY: "the launcher decides"}
_ALL_BITS = 0xFFFF_FFFF


def page() -> str:
    """Render the page."""
    parts = [_HEAD, *_by_answer(), *_by_argument()]
    unneeded = ", ".join(f"`{name}`" for name in sorted(UNNEEDED.split()))
    parts.append(f"## Fail with ENOSYS\n\n| calls |\n|---|\n| {unneeded} |\n")
    return "\n".join(parts)


def _by_answer() -> list[str]:
    """Group the calls whose arguments do not matter by their answers."""
    groups: dict[tuple[str, ...], list[str]] = defaultdict(list)
    answers = [rules_of(policy) for policy in POLICIES]
    for name in sorted(" ".join(GROUPS).split()):
        if any(len(one.get(name, ())) != 1 for one in answers):
            continue
        groups[tuple(_word(one[name][0].answer) for one in answers)].append(name)
    names = " | ".join(f"`{policy.name}`" for policy in POLICIES)
    lines = [f"| calls | {names} |", "|---" * (len(POLICIES) + 1) + "|"]
    for words, calls in sorted(groups.items(), key=lambda one: -len(one[1])):
        listed = ", ".join(f"`{name}`" for name in calls)
        lines.append(f"| {listed} | {' | '.join(words)} |")
    return ["## Whatever the arguments\n", *lines, ""]


def _by_argument() -> list[str]:
    """List the rules of the other calls; the first that matches counts."""
    lines = ["## By argument\n", "The first condition that is true counts.\n"]
    lines += ["| call | policies | answers |", "|---|---|---|"]
    calls: dict[tuple[str, tuple[Rule, ...]], list[str]] = defaultdict(list)
    for policy in POLICIES:
        for name, rules in sorted(rules_of(policy).items()):
            calls[name, rules].append(policy.name)
    several = {name for name, rules in calls if len(rules) > 1}
    for (name, rules), policies in sorted(calls.items(), key=lambda one: one[0][0]):
        if name in several:
            where = "all" if len(policies) == len(POLICIES) else ", ".join(policies)
            lines.append(f"| `{name}` | {where} | {_answers(rules)} |")
    return [*lines, ""]


def _conditions(rules: Iterable[Rule]) -> str:
    """Render the conditions of rules with the same answer, each argument once."""
    values: dict[str, list[str]] = defaultdict(list)
    for rule in rules:
        *others, last = [_condition(match) for match in rule.matches]
        first = "".join(f"{argument} {value} and " for argument, value in others)
        values[first + last[0]].append(last[1])
    return "; ".join(f"{argument} {' or '.join(one)}" for argument, one in values.items())


def _condition(match: Match) -> tuple[str, str]:
    argument = f"argument {match.argument + 1}{' (upper half)' if match.high else ''}"
    if match.mask == _ALL_BITS:
        return f"{argument} is", f"{match.value:#x}"
    if match.value == match.mask:
        return f"{argument} has", f"{match.value:#x}"
    return f"{argument} & {match.mask:#x} is", f"{match.value:#x}"


def _answers(rules: Iterable[Rule]) -> str:
    parts = []
    for answer, same in groupby(rules, key=lambda rule: rule.answer):
        conditional = [rule for rule in same if rule.matches]
        where = _conditions(conditional) if conditional else "otherwise" if parts else "always"
        parts.append(f"{where}: **{_word(answer)}**")
    return "<br>".join(parts)


def _word(answer: int) -> str:
    code = error_of(answer)
    if code is None:
        return _WORDS[answer]
    return errno.errorcode[code] if code else "succeeds without effect"
