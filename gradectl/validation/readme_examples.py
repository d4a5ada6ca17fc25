"""Compares the examples of READMEs with the variables of the modules that they call."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from gradectl.validation.hcl import Attribute, Block, HclError, parse

_FENCE = re.compile(r"^```(?:hcl|terraform)[^\n]*\n(.*?)^```", re.DOTALL | re.MULTILINE)
#: Meta-arguments of module blocks.
_META = frozenset({"count", "depends_on", "for_each", "providers", "source", "version"})
#: Folder in a source: `./modules/x`, `git::https://host/repo//modules/x?ref=v1`.
_MODULE = re.compile(r"(?:^|/)modules/([\w-]+)/?(?:\?.*)?$")


@dataclass(frozen=True)
class Example:
    """Text of an example, and the line of the README on which it begins."""

    text: str
    line: int


@dataclass(frozen=True)
class Variables:
    """Names of all variables of a module, and of those without a default."""

    known: frozenset[str]
    required: frozenset[str]


@dataclass(frozen=True)
class Mistake:
    """An error in an example, with its line in the README."""

    line: int
    what: str


def examples(markdown: str) -> list[Example]:
    """Find the fenced `hcl` and `terraform` blocks of a page."""
    return [
        Example(found.group(1), markdown.count("\n", 0, found.start(1)) + 1)
        for found in _FENCE.finditer(markdown)
    ]


def variables(blocks: Iterable[Block]) -> Variables:
    """Collect the variables of a module."""
    declared = [block for block in blocks if block.kind == "variable" and block.labels]
    return Variables(
        frozenset(block.labels[0] for block in declared),
        frozenset(block.labels[0] for block in declared if not block.attribute("default")),
    )


def mistakes(example: Example, modules: Mapping[str, Variables]) -> Iterator[Mistake]:
    """
    Find unknown and missing arguments in the module calls of an example.

    Args:
        example: The example.
        modules: Variables by name of the module's folder.
    """
    try:
        blocks = parse(example.text, example.line)
    except HclError as error:
        yield Mistake(error.line, f"invalid HCL: {error}")
        return
    for block in blocks:
        source = block.attribute("source")
        called = _MODULE.search(source.literal or "") if source else None
        if block.kind == "module" and source and called:
            yield from _of_call(block, called.group(1), source, modules)


def _of_call(
    block: Block, name: str, source: Attribute, modules: Mapping[str, Variables]
) -> Iterator[Mistake]:
    """Check one module call."""
    module = modules.get(name)
    if module is None:
        if (source.literal or "").startswith("."):
            yield Mistake(source.line, f"module {name!r} not found")
        return
    given = {attribute.name: attribute.line for attribute in block.attributes}
    for argument in sorted(given.keys() - module.known - _META, key=given.__getitem__):
        yield Mistake(given[argument], f"module {name} has no variable {argument!r}")
    for missing in sorted(module.required - given.keys()):
        yield Mistake(block.line, f"required variable {missing!r} of module {name} is missing")
