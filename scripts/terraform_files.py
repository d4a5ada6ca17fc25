"""The words and blocks of a folder with Terraform files, with the file that each stands in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from gradectl.validation.hcl import Attribute, Block, Token, parse, tokens


@cache
def words(folder: Path) -> tuple[tuple[str, Token], ...]:
    """All words of a folder's files, with the file's name."""
    return tuple(
        (path.name, word)
        for path in sorted(folder.glob("*.tf"))
        for word in tokens(path.read_text())
    )


@cache
def blocks(folder: Path) -> tuple[tuple[str, Block], ...]:
    """All blocks of a folder's files, with the file's name."""
    return tuple(
        (path.name, block)
        for path in sorted(folder.glob("*.tf"))
        for block in parse(path.read_text())
    )


def of_kind(folder: Path, kind: str) -> Iterator[tuple[str, Block]]:
    """The blocks of a kind."""
    return ((name, block) for name, block in blocks(folder) if block.kind == kind)


def locals_of(folder: Path) -> Iterator[tuple[str, Attribute]]:
    """The local values."""
    return ((name, item) for name, block in of_kind(folder, "locals") for item in block.attributes)


def references(folder: Path) -> set[str]:
    """What the files refer to, by its first two or three words, such as `local.name`."""
    text = "\n".join(
        path.read_text() for path in folder.rglob("*.tf*") if "tests" not in path.parts
    )
    return set(re.findall(r"\b\w+\.\w+(?:\.\w+)?", text))


def passed(block: Block) -> Iterator[Attribute]:
    """The attributes of a block and of the blocks in it."""
    yield from block.attributes
    for inner in block.blocks:
        yield from passed(inner)


def conditions(block: Block) -> Iterator[Block]:
    """The rules in a block, however deep."""
    for inner in block.blocks:
        if inner.kind in ("precondition", "postcondition", "validation"):
            yield inner
        yield from conditions(inner)


def text_of(item: Attribute | None) -> str:
    """An attribute as one text."""
    return " ".join(word.value for word in item.value) if item else ""
