"""Types and values of Terraform, read as data: which members an object has, which a value sets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gradectl.validation.hcl import Token

_OPENING, _CLOSING = "{[(", "}])"
#: No space stands behind or before these.
_TIGHT_AFTER, _TIGHT_BEFORE = frozenset("([.!"), frozenset(")].,[")
#: An expression goes on after these.
_UNFINISHED = frozenset("=:?&|+-*/<>!.")


@dataclass(frozen=True)
class Member:
    """One member of an object: `default` is None where it must be given."""

    name: str
    line: int
    type: Type
    default: str | None


@dataclass(frozen=True)
class Type:
    """A type: `object` has members, `list`, `set` and `map` have an element."""

    kind: str
    members: tuple[Member, ...] = ()
    element: Type | None = None

    @property
    def short(self) -> str:
        """Write it on one line, without the members of objects."""
        return f"{self.kind}({self.element.short})" if self.element else self.kind


@dataclass(frozen=True)
class Leaf:
    """A member of an object, however deep: its path, such as `scaling.cpu_target`."""

    path: str
    member: Member


def written(words: Sequence[Token]) -> str:
    """Write words on one line as `terraform fmt` would."""
    text = ""
    before: Token | None = None
    for word in words:
        if before:
            text += _between(before, word)
        text += word.text
        before = word
    return text


def _between(before: Token, word: Token) -> str:
    """Say what stands between two words."""
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
    Read the type of a variable.

    Args:
        words: What stands behind `type =`.
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
    """Read the members between the braces of an object."""
    for name, value in _pairs(words):
        if value and value[0].text == "optional":
            parts = list(_split(value[2:-1]))
            default = written(parts[1]) if len(parts) > 1 else "null"
            yield Member(name.value, name.line, read_type(parts[0]), default)
        else:
            yield Member(name.value, name.line, read_type(value), None)


def leaves(kind: Type, path: str) -> Iterator[Leaf]:
    """
    List the members of a type, those of inner objects after the member that holds them.

    Args:
        kind: The type.
        path: Name of the variable.
    """
    for member in kind.members:
        yield Leaf(f"{path}.{member.name}", member)
        yield from leaves(member.type, f"{path}.{member.name}")
    if kind.element:
        yield from leaves(kind.element, path + _step(kind))


def _step(kind: Type) -> str:
    """Write the way into an element."""
    return ".<key>" if kind.kind == "map" else "[]"


def set_paths(kind: Type, words: Sequence[Token], path: str) -> Iterator[str]:
    """
    List which paths a value sets, as far as it is written as objects and lists.

    Args:
        kind: Type of the variable.
        words: The value.
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
    """Split `a = 1, b = 2` into names and values; a new line is as good as a comma."""
    for part in _split(words, lines=True):
        at = next((number for number, word in enumerate(part) if word.text in ("=", ":")), None)
        if at is not None:
            yield part[0], part[at + 1 :]


def _split(words: Sequence[Token], *, lines: bool = False) -> Iterator[list[Token]]:
    """Split at the commas outside brackets, and at new lines where these part members too."""
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
    """Tell whether a member may end between two words on different lines."""
    return last.text not in _UNFINISHED and following.kind in ("name", "string")
