"""
The tests of a module, rewritten so that one Terraform process shows everything that they show.

A run that expects a refusal is written without its expectation: only then does Terraform name the
rule that refuses. Refusals that cannot influence each other share a plan.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from terraform_files import blocks, conditions, locals_of, of_kind, passed

from gradectl.validation.hcl import Attribute, Block, parse

#: The folder of the rewritten files in a copy of the module.
FOLDER = "rewritten"
#: How Terraform names the rule of a variable.
_RULE = re.compile(r"validation rule at ([\w.-]+):(\d+)")
#: What it says of other conditions; the place it names is inside the rule.
_FAILED = re.compile(r"(condition|assertion) failed$")
_MERGEABLE = {"command", "expect_failures"}


@dataclass(frozen=True)
class Refusal:
    """
    A plan of which each expected address refuses a value, and nothing else.

    Args:
        common: The blocks of its file that are no runs.
        text: The run without its expectation.
        expected: Addresses in `expect_failures`.
        settings: Text of its variables; None if it cannot share a plan.
        looked_at: Variables at which the rules of the expected addresses look.
    """

    common: str
    text: str
    expected: frozenset[str]
    settings: Mapping[str, str] | None
    looked_at: frozenset[str]

    def with_other(self, other: Refusal) -> Refusal | None:
        """Return both in one plan; None if one could influence the other."""
        if self.settings is None or other.settings is None or self.common != other.common:
            return None
        own, others = self.settings.keys(), other.settings.keys()
        if own & (others | other.looked_at) or others & self.looked_at:
            return None
        settings = {**self.settings, **other.settings}
        body = "\n".join(settings.values())
        text = f'run "refused" {{\n  command = plan\n  variables {{\n{body}\n  }}\n}}'
        expected, looked_at = self.expected | other.expected, self.looked_at | other.looked_at
        return Refusal(self.common, text, expected, settings, looked_at)


@dataclass(frozen=True)
class ModuleRuns:
    """
    All runs of a module.

    Args:
        module: Its folder.
        accepted: Text of each test file without the runs that expect a refusal, by file name.
        refusals: All others; several may be in one plan.
    """

    module: Path
    accepted: Mapping[str, str]
    refusals: Sequence[Refusal]

    @classmethod
    def of(cls, module: Path) -> ModuleRuns:
        """Read the tests of a module."""
        looked_at = _looked_at(module)
        accepted, refusals = {}, []
        for path in sorted((module / "tests").glob("*.tftest.hcl")):
            text = path.read_text()
            refusals += _refusals(text, looked_at)
            if kept := _accepted(text):
                accepted[path.name] = kept
        return cls(module, accepted, _merged(refusals))

    @property
    def files(self) -> dict[str, str]:
        """
        The rewritten test files by path.

        Each refusal is a file, because after an error a file goes no further.
        """
        refused = {
            f"refused-{number}.tftest.hcl": f"{each.common}\n{each.text}"
            for number, each in enumerate(self.refusals)
        }
        return {f"{FOLDER}/{name}": text for name, text in {**self.accepted, **refused}.items()}

    def mistakes(self, stream: str) -> Iterator[str]:
        """Read what `terraform test -json` told, and yield what is not as the tests say."""
        events = [json.loads(line) for line in stream.splitlines()]
        statuses = {
            (Path(event["@testfile"]).name, event["@testrun"]): event["test_run"]["status"]
            for event in events
            if event["type"] == "test_run" and "status" in event["test_run"]
        }
        for name, text in self.accepted.items():
            for run in (block.labels[0] for block in parse(text) if block.kind == "run"):
                if (status := statuses.get((name, run), "not run")) != "pass":
                    yield f"{name}: {run}: {status}"
                    yield from map(_said, _errors(events, name))
        for number, refusal in enumerate(self.refusals):
            errors = _errors(events, f"refused-{number}.tftest.hcl")
            found = {rule and rule.address for rule in map(self._rule, errors)}
            if found != refusal.expected:
                expected = ", ".join(sorted(refusal.expected))
                yield f"expected to be refused: {expected}\n{refusal.text}"
                yield from map(_said, errors)

    def silent_rules(self, stream: str) -> list[str]:
        """The rules that refused nothing, as `file:line`."""
        errors = _errors([json.loads(line) for line in stream.splitlines()])
        spoke = {self._rule(error) for error in errors}
        return [f"{rule.file}:{rule.line}" for rule in _rules(self.module) if rule not in spoke]

    def _rule(self, error: Mapping[str, Any]) -> Rule | None:
        """The rule that an error is about."""
        if named := _RULE.search(error.get("detail", "")):
            file, line = named.group(1), int(named.group(2))
            return next((r for r in _rules(self.module) if (r.file, r.line) == (file, line)), None)
        if "range" not in error or not _FAILED.search(error["summary"]):
            return None
        file, line = error["range"]["filename"], error["range"]["start"]["line"]
        above = [r for r in _rules(self.module) if r.file == file and r.line <= line]
        return max(above, key=lambda rule: rule.line, default=None)


@dataclass(frozen=True)
class Rule:
    """Place of a condition, and the address of the block it belongs to."""

    file: str
    line: int
    address: str


def _rules(module: Path) -> list[Rule]:
    """All rules of a module."""
    return [
        Rule(file, rule.line, _address(block))
        for file, block in blocks(module)
        for rule in conditions(block)
    ]


def _address(block: Block) -> str:
    """The address of a variable, an output or a resource."""
    kinds = {"variable": "var.", "output": "output.", "data": "data."}
    return kinds.get(block.kind, "") + ".".join(block.labels)


def _looked_at(module: Path) -> dict[str, frozenset[str]]:
    """
    The variables at which the rules of each variable look, also through others and local values.

    Terraform checks a rule only after those of all variables that it looks at. A variable is absent
    if one of its rules looks at what is not known from variables alone.
    """
    named = {f"local.{item.name}": _names([item]) for _, item in locals_of(module)}
    for _, block in of_kind(module, "variable"):
        rules = (item for rule in conditions(block) for item in passed(rule))
        named[f"var.{block.labels[0]}"] = _names(rules)
    found = {}
    for name in (each for each in named if each.startswith("var.")):
        seen, new = set[str](), {name}
        while new:
            seen |= new
            new = {each for one in new for each in named.get(one, set())} - seen
        if all(each in named for each in seen):
            found[name] = frozenset(each for each in seen if each.startswith("var."))
    return found


def _names(items: Iterable[Attribute]) -> set[str]:
    """What expressions name, such as `var.name`; also inside of strings."""
    text = " ".join(word.text for item in items for word in item.value)
    found = re.findall(r"\b(var|local|data|module|aws_\w+)\s*\.\s*(\w+)", text)
    return {".".join(each) for each in found}


def _parts(text: str) -> list[tuple[Block, list[str]]]:
    """The top blocks of a file with their lines."""
    lines, found = text.splitlines(), parse(text)
    ends = [*(block.line - 1 for block in found[1:]), len(lines)]
    return [(block, lines[block.line - 1 : end]) for block, end in zip(found, ends, strict=True)]


def _accepted(text: str) -> str:
    """A file without its refusals; "" if nothing is left to run."""
    kept = [(block, lines) for block, lines in _parts(text) if not _expects(block)]
    if not any(block.kind == "run" for block, _ in kept):
        return ""
    return "\n".join(line for _, lines in kept for line in lines)


def _expects(block: Block) -> Attribute | None:
    """The expectation of a run that expects a refusal."""
    return block.attribute("expect_failures") if block.kind == "run" else None


def _refusals(text: str, looked_at: Mapping[str, frozenset[str]]) -> Iterator[Refusal]:
    """Yield each run of a file that expects a refusal."""
    parts = _parts(text)
    common = "\n".join(line for block, lines in parts if block.kind != "run" for line in lines)
    for block, lines in parts:
        if item := _expects(block):
            gone = range(item.line - block.line, item.value[-1].line - block.line + 1)
            kept = "\n".join(line for n, line in enumerate(lines) if n not in gone)
            words = "".join(word.text for word in item.value[1:-1] if word.kind != "newline")
            expected = frozenset(each for each in words.split(",") if each)
            seen = frozenset(name for each in expected for name in looked_at.get(each, ()))
            settings = _settings(block, lines) if expected <= seen else None
            yield Refusal(common, kept, expected, settings, seen)


def _settings(run: Block, lines: Sequence[str]) -> Mapping[str, str] | None:
    """Text of the variables of a run; None if it has more than these and an expectation."""
    items = [item for inner in run.blocks if inner.kind == "variables" for item in inner.attributes]
    simple = {item.name for item in run.attributes} <= _MERGEABLE and len(run.blocks) == 1
    if not simple or any(word.kind == "heredoc" for item in items for word in item.value):
        return None
    return {
        f"var.{item.name}": "\n".join(
            lines[item.line - run.line : item.value[-1].line - run.line + 1]
        )
        for item in items
    }


def _merged(refusals: Sequence[Refusal]) -> list[Refusal]:
    """Put each refusal into the first plan that it fits into."""
    plans: list[Refusal] = []
    for refusal in refusals:
        for number, plan in enumerate(plans):
            if both := plan.with_other(refusal):
                plans[number] = both
                break
        else:
            plans.append(refusal)
    return plans


def _errors(events: Sequence[Mapping[str, Any]], file: str = "") -> list[Mapping[str, Any]]:
    """All errors, or those of a test file."""
    return [
        event["diagnostic"]
        for event in events
        if event["type"] == "diagnostic"
        and event["diagnostic"]["severity"] == "error"
        and file in ("", Path(event.get("@testfile", "")).name)
    ]


def _said(error: Mapping[str, Any]) -> str:
    """An error as text."""
    place = error.get("range") or {"filename": "", "start": {"line": ""}}
    where = f"{place['filename']}:{place['start']['line']}"
    return f"  {where}: {error['summary']}: {error.get('detail', '')}"
