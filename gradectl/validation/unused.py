"""Finds variables and local values that no expression of their folder refers to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from gradectl.validation.hcl import Attribute, Block, comments, parse, references, tokens

#: Begins the comment that says why a declaration stays.
REASON = "unused:"
_IN_JSON = re.compile(r"\b(var|local)\.([A-Za-z_][\w-]*)")


@dataclass(frozen=True)
class Unused:
    """A declaration without a use: `variable` or `local`, its name, file and line."""

    kind: str
    name: str
    file: str
    line: int


@dataclass(frozen=True)
class _Declared:
    """What is declared, and how expressions write it."""

    unused: Unused
    written: tuple[str, str]


def unused(files: Mapping[str, str], tests: Iterable[str], json: Iterable[str]) -> list[Unused]:
    """
    List the variables and local values of a folder that nothing uses.

    A variable that only its own rules mention is not used. A test is a use of a local value: it may
    be there to be tested. A comment that begins with `unused:` exempts a declaration.

    Args:
        files: Text of each configuration file by its name.
        tests: Texts of the test files.
        json: Texts of the configuration files in JSON.

    Raises:
        HclError: A configuration file is invalid HCL.
    """
    used: set[tuple[str, str]] = set()
    declared: list[_Declared] = []
    for name, text in files.items():
        reasons = comments(tokens(text))
        for block in parse(text):
            used |= _used(block)
            declared += (
                each
                for each in _declared(name, block)
                if not reasons.get(each.unused.line, "").startswith(REASON)
            )
    for block in (block for text in tests for block in parse(text)):
        used |= {pair for pair in _used(block) if pair[0] == "local"}
    used |= {(found[1], found[2]) for text in json for found in _IN_JSON.finditer(text)}
    return [each.unused for each in declared if each.written not in used]


def _declared(file: str, block: Block) -> Iterator[_Declared]:
    """Yield the declarations of a block."""
    if block.kind == "variable" and block.labels:
        name = block.labels[0]
        yield _Declared(Unused("variable", name, file, block.line), ("var", name))
    for item in block.attributes if block.kind == "locals" else ():
        yield _Declared(Unused("local", item.name, file, item.line), ("local", item.name))


def _used(block: Block) -> set[tuple[str, str]]:
    """The variables and local values that a block refers to, without a variable's own rules."""
    own = ("var", block.labels[0]) if block.kind == "variable" and block.labels else None
    return {pair for item in block.all_attributes for pair in _of(item)} - {own}


def _of(item: Attribute) -> Iterator[tuple[str, str]]:
    """Yield what one value refers to."""
    for kind in ("var", "local"):
        for name in references(item.value, kind):
            yield kind, name
