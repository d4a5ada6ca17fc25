"""The interface of a folder with Terraform files: variables, outputs, requirements and rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from terraform_types import Leaf, Type, leaves, read_type, written

from gradectl.validation.hcl import Attribute, Block, Token, parse, tokens


@dataclass(frozen=True)
class Variable:
    """
    A variable.

    Attributes:
        name: Its name.
        type: Its type.
        description: Its description.
        default: Its default as written; None if it is required.
        marks: `sensitive` and `ephemeral`, if set.
        members: Members of its object types.
        comments: Trailing comment of each member, by path.
    """

    name: str
    type: Type
    description: str
    default: str | None
    marks: tuple[str, ...]
    members: tuple[Leaf, ...]
    comments: Mapping[str, str]


@dataclass(frozen=True)
class Output:
    """An output."""

    name: str
    description: str
    sensitive: bool


@dataclass(frozen=True)
class Sources:
    """
    The Terraform files of a folder.

    Args:
        texts: Text of each file by name.
    """

    texts: Mapping[str, str]

    @classmethod
    def of(cls, folder: Path) -> Sources:
        """Read the files of a folder."""
        return cls({path.name: path.read_text("utf-8") for path in sorted(folder.glob("*.tf"))})

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """All blocks, in the order of the files."""
        return tuple(block for text in self.texts.values() for block in parse(text))

    @cached_property
    def variables(self) -> tuple[Variable, ...]:
        """All variables, sorted by name."""
        found = (
            _variable(block, comments)
            for text in self.texts.values()
            for comments in [_comments(text)]
            for block in parse(text)
            if block.kind == "variable"
        )
        return tuple(sorted(found, key=lambda variable: variable.name))

    @cached_property
    def outputs(self) -> tuple[Output, ...]:
        """All outputs, sorted by name."""
        found = (
            Output(block.labels[0], plain(block, "description"), "sensitive" in _marks(block))
            for block in self.of_kind("output")
        )
        return tuple(sorted(found, key=lambda output: output.name))

    @cached_property
    def modules(self) -> dict[str, str]:
        """Source of each module call by name."""
        return {block.labels[0]: plain(block, "source") for block in self.of_kind("module")}

    @cached_property
    def terraform_version(self) -> str:
        """Required version of Terraform."""
        return next((plain(block, "required_version") for block in self.of_kind("terraform")), "")

    @cached_property
    def providers(self) -> dict[str, str]:
        """Version constraint of each required provider by source."""
        found: dict[str, str] = {}
        for block in self.of_kind("terraform"):
            for inner in (inner for inner in block.blocks if inner.kind == "required_providers"):
                for item in inner.attributes:
                    found[_string_of(item, "source")] = _string_of(item, "version")
        return found

    def of_kind(self, kind: str) -> Iterator[Block]:
        """Yield the blocks of a kind."""
        return (block for block in self.blocks if block.kind == kind)


def _variable(block: Block, comments: Mapping[int, str]) -> Variable:
    """Read a variable."""
    name = block.labels[0]
    stated, default = block.attribute("type"), block.attribute("default")
    kind = read_type(stated.value) if stated else Type("any")
    members = tuple(leaves(kind, name))
    return Variable(
        name=name,
        type=kind,
        description=plain(block, "description"),
        default=written(default.value) if default else None,
        marks=_marks(block),
        members=members,
        comments={
            leaf.path: comments[leaf.member.line]
            for leaf in members
            if leaf.member.line in comments
        },
    )


def _marks(block: Block) -> tuple[str, ...]:
    """Return which of `sensitive` and `ephemeral` are true."""
    stated = {item.name for item in block.attributes if [w.text for w in item.value] == ["true"]}
    return tuple(name for name in ("sensitive", "ephemeral") if name in stated)


def _comments(text: str) -> dict[int, str]:
    """Return trailing comments by line."""
    found: dict[int, str] = {}
    before: Token | None = None
    for word in tokens(text):
        if word.kind == "comment" and before and before.line == word.line:
            found[word.line] = word.text.lstrip("#/ ").strip()
        before = word if word.kind != "newline" else None
    return found


def plain(block: Block, name: str) -> str:
    """Return an attribute as text: a string without quotes, a heredoc on one line."""
    item = block.attribute(name)
    if item is None:
        return ""
    if len(item.value) == 1 and item.value[0].kind == "heredoc":
        return " ".join(item.value[0].text.split()[1:-1])
    text = item.literal if item.literal is not None else written(item.value)
    return text.replace('\\"', '"').replace("\\\\", "\\")


def _string_of(item: Attribute, name: str) -> str:
    """Return a string member of an object."""
    words = item.value
    found = (words[at + 2].value for at in range(len(words) - 2) if words[at].value == name)
    return next(found, "")
