"""Tokens and blocks of a folder with Terraform files, each with its file name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from gradectl.validation.hcl import Attribute, Block, Token, parse, tokens


@cache
def words(folder: Path) -> tuple[tuple[str, Token], ...]:
    """All tokens of the folder with their file names."""
    return tuple(
        (path.name, word)
        for path in sorted(folder.glob("*.tf"))
        for word in tokens(path.read_text())
    )


@cache
def blocks(folder: Path) -> tuple[tuple[str, Block], ...]:
    """All blocks of the folder with their file names."""
    return tuple(
        (path.name, block)
        for path in sorted(folder.glob("*.tf"))
        for block in parse(path.read_text())
    )


def of_kind(folder: Path, kind: str) -> Iterator[tuple[str, Block]]:
    """Blocks of one kind."""
    return ((name, block) for name, block in blocks(folder) if block.kind == kind)


def locals_of(folder: Path) -> Iterator[tuple[str, Attribute]]:
    """Local values of the folder."""
    return ((name, item) for name, block in of_kind(folder, "locals") for item in block.attributes)


def references(folder: Path) -> set[str]:
    """References in the files, by their first two or three parts, such as `local.name`."""
    text = "\n".join(
        path.read_text() for path in folder.rglob("*.tf*") if "tests" not in path.parts
    )
    return set(re.findall(r"\b\w+\.\w+(?:\.\w+)?", text))


def passed(block: Block) -> Iterator[Attribute]:
    """Attributes of a block and its inner blocks."""
    yield from block.attributes
    for inner in block.blocks:
        yield from passed(inner)


def conditions(block: Block) -> Iterator[Block]:
    """Conditions in a block at any depth."""
    for inner in block.blocks:
        if inner.kind in ("precondition", "postcondition", "validation"):
            yield inner
        yield from conditions(inner)


def text_of(item: Attribute | None) -> str:
    """Tokens of an attribute as one text."""
    return " ".join(word.value for word in item.value) if item else ""
