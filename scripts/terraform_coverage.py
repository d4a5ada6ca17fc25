"""Which test of a module sets each of its variables, and which one each of its rules refuses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from terraform_modules import Sources, Variable
from terraform_tables import code, prose, table
from terraform_types import set_paths

from gradectl.validation.hcl import Attribute, Block, Token, parse

_HEAD = """# What the tests of the modules prove

Generated from `modules/*/tests/*.tftest.hcl`, `tests/terraform/flips/*.yaml` and
`tests/terraform/refusals.yaml`; `make docs` writes it.

*Settings* are the variables that have a default and the optional members of objects, each with runs
that set it and assert what comes of it. *Rules* are validations and preconditions, each with what
it says when it refuses, and the runs that it refuses. `tests/terraform/test_coverage.py` fails when
one of them has no run, `test_module_rules.py` when a rule is not the one that refuses in some run.
"""
_ROOT = """Each variable is flipped, and its effect looked for in the plan. What no plan can show
has its test named in `tests/terraform/test_flips.py`."""
_MOST_NAMED = 3
_ALL = 1000


@dataclass(frozen=True)
class Run:
    """
    One run of a test file.

    Attributes:
        name: Its name.
        given: The variables of its file and its own ones, which win.
        own: The names of its own variables.
        refused: Addresses that it expects to fail.
        asserts: How many assertions it makes.
    """

    name: str
    given: Mapping[str, Sequence[Token]]
    own: frozenset[str]
    refused: frozenset[str]
    asserts: int


@dataclass(frozen=True)
class Suite:
    """The runs of a folder's test files."""

    runs: tuple[Run, ...]

    @classmethod
    def of(cls, folder: Path) -> Suite:
        """Read the test files of a folder."""
        texts = [path.read_text("utf-8") for path in sorted(folder.glob("*.tftest.hcl"))]
        return cls(tuple(run for text in texts for run in runs(text)))


def runs(text: str) -> Iterator[Run]:
    """Read the runs of a test file."""
    blocks = parse(text)
    common = _given(blocks)
    for block in blocks:
        if block.kind == "run":
            own = _given(block.blocks)
            refused = frozenset(_addresses(block.attribute("expect_failures")))
            asserts = sum(inner.kind == "assert" for inner in block.blocks)
            yield Run(block.labels[0], {**common, **own}, frozenset(own), refused, asserts)


def _given(blocks: Sequence[Block]) -> dict[str, Sequence[Token]]:
    inner = [block for block in blocks if block.kind == "variables"]
    return {item.name: item.value for block in inner for item in block.attributes}


def _addresses(item: Attribute | None) -> Iterator[str]:
    """Read the addresses of a list, without their indexes."""
    text = "".join(word.text for word in item.value[1:-1]) if item else ""
    return (address.partition("[")[0] for address in text.split(",") if address)


@dataclass(frozen=True)
class Covered:
    """Something that tests must reach, how many runs it needs, and which ones reach it."""

    what: str
    needed: int
    by: tuple[str, ...]

    @property
    def missing(self) -> int:
        """How many runs are missing."""
        return max(0, self.needed - len(self.by))


@dataclass(frozen=True)
class Coverage:
    """
    A folder's interface and its tests, held against each other.

    Args:
        sources: The folder's files.
        tests: Its tests.
    """

    sources: Sources
    tests: Suite

    @classmethod
    def of(cls, folder: Path, tests: Path) -> Coverage:
        """Read a folder, and the folder of its tests."""
        return cls(Sources.of(folder), Suite.of(tests))

    @cached_property
    def settings(self) -> tuple[Covered, ...]:
        """Each variable with a default, each optional member, and the runs that set it."""
        return tuple(
            item for variable in self.sources.variables for item in self._settings(variable)
        )

    @cached_property
    def rules(self) -> tuple[Covered, ...]:
        """Each variable or resource with conditions, and the runs that these refuse."""
        return tuple(
            Covered(address, len(messages), self._refusing(address))
            for address, messages in self.messages.items()
        )

    @cached_property
    def messages(self) -> dict[str, tuple[str, ...]]:
        """Address of each variable or resource with conditions to what these say."""
        variables = {f"var.{item.name}": item.messages for item in self.sources.variables}
        others = {item.address: item.messages for item in self.sources.guarded}
        return {address: found for address, found in {**variables, **others}.items() if found}

    @property
    def unset(self) -> list[str]:
        """What no run sets."""
        return [item.what for item in self.settings if item.missing]

    @property
    def unrefused(self) -> list[str]:
        """What is refused too seldom, with how often it is and must be."""
        return [
            f"{item.what} ({len(item.by)} of {item.needed})" for item in self.rules if item.missing
        ]

    def _settings(self, variable: Variable) -> Iterator[Covered]:
        optional = [leaf.path for leaf in variable.members if leaf.member.default is not None]
        paths = [*([variable.name] if variable.default is not None else []), *optional]
        chosen: dict[str, list[str]] = {path: [] for path in paths}
        common: dict[str, list[str]] = {path: [] for path in paths}
        for run in self._accepting:
            found = chosen if variable.name in run.own else common
            value = run.given.get(variable.name)
            for path in set(set_paths(variable.type, value, variable.name)) if value else ():
                if path in found:
                    found[path].append(run.name)
        return (Covered(path, 1, tuple(chosen[path] or common[path])) for path in paths)

    @cached_property
    def _accepting(self) -> tuple[Run, ...]:
        """Runs that refuse nothing and assert something."""
        return tuple(run for run in self.tests.runs if not run.refused and run.asserts)

    def _refusing(self, address: str) -> tuple[str, ...]:
        return tuple(run.name for run in self.tests.runs if address in run.refused)


def page_of_tests(
    modules: Mapping[str, Coverage],
    flips: Mapping[str, Sequence[str]],
    refusals: Sequence[tuple[str, str]],
) -> str:
    """
    Write the page about the tests.

    Args:
        modules: Name of each module to its coverage.
        flips: Variable of the root to the expressions at which its effect is seen.
        refusals: Wrong values of the root, and what is said of them.
    """
    parts = [_HEAD]
    for name, coverage in modules.items():
        settings = ((item.what, _names(item.by)) for item in coverage.settings)
        parts += [f"## {name}", f"Runs in [`tests`](../modules/{name}/tests)."]
        parts += [_table("Setting", "Set by", settings), _rules(coverage)]
    seen = ((name, _names(places, _ALL)) for name, places in sorted(flips.items()))
    said = ((values, prose(text)) for values, text in refusals)
    parts += ["## The root", _ROOT]
    parts += [_table("Variable", "Where its effect is seen", seen)]
    parts += [_table("Wrong value", "What is said of it", said)]
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def _rules(coverage: Coverage) -> str:
    """Write the table of what is refused."""
    rows = [
        [
            code(item.what),
            "<br>".join(map(prose, coverage.messages[item.what])),
            _names(item.by, _ALL),
        ]
        for item in coverage.rules
    ]
    return table(["Rule of", "What it says", "Refuses"], rows) if rows else ""


def _table(name: str, shown: str, rows: Iterable[tuple[str, str]]) -> str:
    """Write a table whose first cells are code; none without rows."""
    cells = [[code(first), second] for first, second in rows]
    return table([name, shown], cells) if cells else ""


def _names(names: Sequence[str], most: int = _MOST_NAMED) -> str:
    """Name some runs."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(code(name) for name in names[:most]) + more
