"""
Tells which expressions depend on values that a plan without an account invents.

Data sources, and variables for which no file has a value, have invented values there. A rule that
refuses one of these says nothing about the configuration.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from gradectl.adapters.terraform.events import Diagnostic
from gradectl.validation.hcl import Attribute, Block, Token, expression
from gradectl.validation.mocked_plan import OWN

_RULE = re.compile(r"validation rule at (\S+:\d+)")
_ASSERTION = "Check block assertion failed"
#: What Terraform says of its mocked providers, not of the configuration.
_OF_MOCKS = ("Invalid import request", "No ephemeral resource types in mock providers")
#: First words of references whose value only an account, or a real run, has.
_UNKNOWN = frozenset({"data", "ephemeral"})
_WORKSPACE = ("terraform", "workspace")
#: Ends of `each.value` and of its like in a dynamic block.
_ELEMENTS = (("key",), ("value",))


@dataclass(frozen=True)
class Called:
    """A folder of a configuration, and its key: `network.subnets`, say; "" for the root."""

    key: str
    path: Path
    blocks: Sequence[tuple[Path, Block]]


@dataclass
class Invented:
    """
    The values of a whole configuration that are invented.

    Args:
        calls: The root and all modules, by key.
        missing: Variables of the root without a value.
    """

    calls: Mapping[str, Called]
    missing: frozenset[str]
    _known: dict[tuple[str, ...], bool] = field(default_factory=dict)

    def at(self, path: Path, line: int) -> bool:
        """Whether a line depends on an invented value, in all calls of its module."""
        found = [
            any(self._depends(key, block, item) for item in items)
            for key, called in self.calls.items()
            for file, block in called.blocks
            if file.resolve() == path and (items := _at(block, line))
        ]
        return bool(found) and all(found)

    def explain(self, error: Diagnostic, directory: Path) -> bool:
        """
        Whether an error is about an invented value, or about the mocked providers themselves.

        Args:
            error: The error.
            directory: The folder of the root; paths are relative to it.
        """
        if error.summary in _OF_MOCKS or error.location.startswith(OWN):
            return True
        rule = _RULE.search(error.detail)
        for place in [error.location, *([rule[1]] if rule else [])]:
            name, _, line = place.rpartition(":")
            if line.isdigit() and self.at((directory / name).resolve(), int(line)):
                return True
        return False

    def variable(self, key: str, name: str) -> bool:
        """Whether a variable of the root or of a module has an invented value."""
        if not key:
            return name in self.missing
        caller, _, call = key.rpartition(".")
        return any(
            item.name == name and self._depends(caller, block, item)
            for block in self._blocks(caller, "module", call)
            for item in block.attributes
        )

    def _depends(self, key: str, block: Block, item: Attribute) -> bool:
        """Whether a value of a block depends on an invented one, perhaps by what it repeats."""
        chains = list(_chains(item.value))
        if any(chain[0] in ("each", "count") or chain[1:2] in _ELEMENTS for chain in chains):
            repeated = (one for one in block.all_attributes if one.name in ("for_each", "count"))
            chains += [chain for one in repeated for chain in _chains(one.value)]
        return any(self._is_invented(key, chain) for chain in chains)

    def _is_invented(self, key: str, chain: tuple[str, ...]) -> bool:
        """Whether a reference leads to an invented value; a cycle, which is an error, does not."""
        if chain[0] in _UNKNOWN or chain[:2] == _WORKSPACE:
            return True
        name = (key, *chain[:3])
        if name not in self._known:
            self._known[name] = False
            self._known[name] = any(
                self._depends(where, block, item) for where, block, item in self._of(key, chain)
            ) or (chain[0] == "var" and len(chain) > 1 and self.variable(key, chain[1]))
        return self._known[name]

    def _of(self, key: str, chain: tuple[str, ...]) -> Iterator[tuple[str, Block, Attribute]]:
        """Yield the values to which a reference leads."""
        kind, name, *more = (*chain, "")
        if kind == "local":
            yield from self._items(key, name, "locals")
        elif kind == "module":
            inner = f"{key}.{name}" if key else name
            yield from self._items(inner, "value", "output", *more[:1])
        else:
            yield from self._items(key, (*more, "")[0], "resource", kind, name)

    def _items(self, key: str, name: str, *block: str) -> Iterator[tuple[str, Block, Attribute]]:
        """Yield the values of one name in the blocks of a kind and labels."""
        for found in self._blocks(key, *block):
            yield from ((key, found, item) for item in found.attributes if item.name == name)

    def _blocks(self, key: str, kind: str, *labels: str) -> Iterator[Block]:
        """Yield the blocks of one kind and name."""
        for _, block in self.calls[key].blocks if key in self.calls else ():
            if block.kind == kind and block.labels == labels:
                yield block


def placed(error: Diagnostic) -> Diagnostic:
    """Place an error about a default at the rule that refuses it; a failed check only warns."""
    if error.summary == _ASSERTION:
        error = replace(error, severity="warning")
    rule = _RULE.search(error.detail)
    return error if error.in_file or not rule else replace(error, location=rule[1])


def _at(block: Block, line: int) -> list[Attribute]:
    """The value at a line, or all values of the block that begins there."""
    if block.line == line:
        return list(block.all_attributes)
    found = [item for item in block.attributes if item.line <= line <= _last(item)]
    return found or [item for inner in block.blocks for item in _at(inner, line)]


def _last(item: Attribute) -> int:
    """The last line of a value."""
    return max((token.line + token.text.count("\n") for token in item.value), default=item.line)


def _chains(found: Iterable[Token]) -> Iterator[tuple[str, ...]]:
    """Yield the references of an expression: `var.x`, `module.m["k"].id` without its index."""
    words = list(expression(found))
    at = 0
    while at < len(words):
        if words[at].kind != "name" or (at and words[at - 1].text == "."):
            at += 1
            continue
        chain = [words[at].text]
        at += 1
        after = at
        while after < len(words) and words[after].text in (".", "["):
            if words[after].text == "[":
                after = _closed(words, after)
                continue
            after += 1
            if after < len(words) and words[after].kind == "name":
                chain.append(words[after].text)
            after += 1
        # What stands in an index is read on its own.
        yield tuple(chain)


def _closed(words: Sequence[Token], at: int) -> int:
    """The position after the bracket that closes the one at a position."""
    depth = 0
    while at < len(words):
        depth += {"[": 1, "]": -1}.get(words[at].text, 0)
        at += 1
        if depth == 0:
            break
    return at
