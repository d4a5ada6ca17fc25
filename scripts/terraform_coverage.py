"""Which runs of a module's tests set each variable."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from terraform_modules import Sources, Variable
from terraform_types import set_paths

from gradectl.validation.hcl import Attribute, Block, Token, parse


@dataclass(frozen=True)
class Run:
    """
    A run of a test file.

    Attributes:
        name: Its name.
        given: Its variables; its own override those of the file.
        own: Names of its own variables.
        refused: Addresses in `expect_failures`.
        asserts: Number of assertions.
    """

    name: str
    given: Mapping[str, Sequence[Token]]
    own: frozenset[str]
    refused: frozenset[str]
    asserts: int


@dataclass(frozen=True)
class Suite:
    """All runs of a folder's test files."""

    runs: tuple[Run, ...]

    @classmethod
    def of(cls, folder: Path) -> Suite:
        """Read the test files of a folder."""
        texts = [path.read_text("utf-8") for path in sorted(folder.glob("*.tftest.hcl"))]
        return cls(tuple(run for text in texts for run in runs(text)))


def runs(text: str) -> Iterator[Run]:
    """Parse the runs of a test file."""
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
    """Yield the addresses of a list without their indexes."""
    text = "".join(word.text for word in item.value[1:-1]) if item else ""
    return (address.partition("[")[0] for address in text.split(",") if address)


@dataclass(frozen=True)
class Covered:
    """A setting, and the runs that cover it."""

    what: str
    by: tuple[str, ...]


@dataclass(frozen=True)
class Coverage:
    """
    The interface of a folder compared with its tests.

    Args:
        sources: Files of the folder.
        tests: Its test files.
    """

    sources: Sources
    tests: Suite

    @classmethod
    def of(cls, folder: Path, tests: Path) -> Coverage:
        """Read a folder and the folder of its tests."""
        return cls(Sources.of(folder), Suite.of(tests))

    @cached_property
    def settings(self) -> tuple[Covered, ...]:
        """Variables with a default and optional members, with the runs that set them."""
        return tuple(
            item for variable in self.sources.variables for item in self._settings(variable)
        )

    @property
    def unset(self) -> list[str]:
        """Settings that no asserting run sets."""
        return [item.what for item in self.settings if not item.by]

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
        return (Covered(path, tuple(chosen[path] or common[path])) for path in paths)

    @cached_property
    def _accepting(self) -> tuple[Run, ...]:
        """Runs that expect no failure and make assertions."""
        return tuple(run for run in self.tests.runs if not run.refused and run.asserts)
