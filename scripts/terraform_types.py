"""Types and values of Terraform as data: the members of an object type, and those a value sets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gradectl.validation.hcl import Token

_OPENING, _CLOSING = "{[(", "}])"
#: Written without a space after or before them.
_TIGHT_AFTER, _TIGHT_BEFORE = frozenset("([.!"), frozenset(")].,[")
#: An expression continues after these.
_UNFINISHED = frozenset("=:?&|+-*/<>!.")


@dataclass(frozen=True)
class Member:
    """A member of an object type; `default` is None for required members."""

    name: str
    line: int
    type: Type
    default: str | None


@dataclass(frozen=True)
class Type:
    """A type: `object` has members; `list`, `set` and `map` have an element type."""

    kind: str
    members: tuple[Member, ...] = ()
    element: Type | None = None

    @property
    def short(self) -> str:
        """The type on one line, without the members of objects."""
        return f"{self.kind}({self.element.short})" if self.element else self.kind


@dataclass(frozen=True)
class Leaf:
    """A member of an object at any depth, with its path, such as `scaling.cpu_target`."""

    path: str
    member: Member


def written(words: Sequence[Token]) -> str:
    """Format tokens on one line as `terraform fmt` does."""
    text = ""
    before: Token | None = None
    for word in words:
        if before:
            text += _between(before, word)
        text += word.text
        before = word
    return text


def _between(before: Token, word: Token) -> str:
    """Return the separator of two tokens."""
    opened, closes = before.text in _OPENING, word.text in _CLOSING
    if word.line > before.line and not opened and not closes and before.text != ",":
        return ", "
    if (before.text, word.text) in {("{", "}"), ("[", "]")}:
        return ""
    call = word.text == "(" and before.kind == "name"
    index = word.text == "[" and before.kind != "name" and before.text not in ")]"
    tight = before.text in _TIGHT_AFTER or (word.text in _TIGHT_BEFORE and not index)
    return "" if call or tight else " "


def read_type(words: Sequence[Token]) -> Type:
    """
    Parse the type of a variable.

    Args:
        words: Tokens of the value of `type`.
    """
    if not words:
        return Type("any")
    kind = words[0].text
    inner = words[2:-1]
    if len(words) == 1 or kind == "optional":
        return Type(kind)
    if kind == "object":
        return Type(kind, members=tuple(_members(inner[1:-1])))
    if kind == "tuple":
        return Type(written(words))
    return Type(kind, element=read_type(inner))


def _members(words: Sequence[Token]) -> Iterator[Member]:
    """Parse the members between the braces of an object type."""
    for name, value in _pairs(words):
        if value and value[0].text == "optional":
            parts = list(_split(value[2:-1]))
            default = written(parts[1]) if len(parts) > 1 else "null"
            yield Member(name.value, name.line, read_type(parts[0]), default)
        else:
            yield Member(name.value, name.line, read_type(value), None)


def leaves(kind: Type, path: str) -> Iterator[Leaf]:
    """
    Yield the members of a type, each followed by the members of its inner objects.

    Args:
        kind: Type of the variable.
        path: Name of the variable.
    """
    for member in kind.members:
        yield Leaf(f"{path}.{member.name}", member)
        yield from leaves(member.type, f"{path}.{member.name}")
    if kind.element:
        yield from leaves(kind.element, path + _step(kind))


def _step(kind: Type) -> str:
    """Return the path segment of an element."""
    return ".<key>" if kind.kind == "map" else "[]"


def set_paths(kind: Type, words: Sequence[Token], path: str) -> Iterator[str]:
    """
    Yield the paths that a value sets, as far as it consists of object and list literals.

    Args:
        kind: Type of the variable.
        words: Tokens of the value.
        path: Name of the variable.
    """
    yield path
    if not words or (words[0].text, words[-1].text) not in {("{", "}"), ("[", "]")}:
        return
    inner = words[1:-1]
    if any(word.text == "for" for word in inner[:1]):
        return
    members = {member.name: member.type for member in kind.members}
    if words[0].text == "[" and kind.element:
        for element in _split(inner):
            yield from set_paths(kind.element, element, path + _step(kind))
    elif words[0].text == "{":
        for name, value in _pairs(inner):
            if name.value in members:
                yield from set_paths(members[name.value], value, f"{path}.{name.value}")
            elif kind.element:
                yield from set_paths(kind.element, value, path + _step(kind))


def _pairs(words: Sequence[Token]) -> Iterator[tuple[Token, list[Token]]]:
    """Split `a = 1, b = 2` into names and values; a newline also separates."""
    for part in _split(words, lines=True):
        at = next((number for number, word in enumerate(part) if word.text in ("=", ":")), None)
        if at is not None:
            yield part[0], part[at + 1 :]


def _split(words: Sequence[Token], *, lines: bool = False) -> Iterator[list[Token]]:
    """Split at commas outside brackets and, with `lines`, at newlines between members."""
    depth = 0
    part: list[Token] = []
    for word in words:
        ended = bool(part) and lines and word.line > part[-1].line and _may_end(part[-1], word)
        if depth == 0 and part and (word.text == "," or ended):
            yield part
            part = []
        if depth == 0 and word.text == ",":
            continue
        if word.kind == "mark":
            depth += (word.text in _OPENING) - (word.text in _CLOSING)
        part.append(word)
    if part:
        yield part


def _may_end(last: Token, following: Token) -> bool:
    """Whether a member may end between two tokens on different lines."""
    return last.text not in _UNFINISHED and following.kind in ("name", "string")
