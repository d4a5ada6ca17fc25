"""Finds wildcards in IAM policy documents that have no comment with a reason."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from gradectl.validation.hcl import Token, tokens

_ACTIONS = frozenset({"Action", "NotAction", "actions", "not_actions"})
_RESOURCES = frozenset({"Resource", "NotResource", "resources", "not_resources"})
_EFFECTS = frozenset({"Effect", "effect"})
_INTERPOLATION = re.compile(r"\$\{[^}]*\}")
_ARN_PARTS = 6


@dataclass(frozen=True)
class Wildcard:
    """A wildcard: its key, text and line."""

    key: str
    text: str
    line: int


@dataclass
class _Statement:
    """Wildcards and effect of one block in braces."""

    wildcards: list[Wildcard] = field(default_factory=list)
    denies: bool = False


def without_reason(text: str) -> list[Wildcard]:
    """
    List the wildcards in Allow statements that have no comment.

    A comment on the same line, or alone on the line above, counts as the reason. Deny statements
    need none.

    Raises:
        HclError: The text is invalid HCL.
    """
    words = _words(tokens(text))
    reasons = _reasons(words)
    plain = [word for word in words if word.kind not in ("comment", "newline")]
    found = [item for item in _wildcards(plain) if item.line not in reasons]
    return sorted(found, key=lambda item: item.line)


def _words(found: Sequence[Token]) -> list[Token]:
    """Expand heredocs with JSON policies into their tokens."""
    words: list[Token] = []
    for word in found:
        body = word.text.partition("\n")[2]
        if word.kind == "heredoc" and body.lstrip().startswith("{"):
            words += tokens(body[: body.rindex("\n")], word.line + 1)
        else:
            words.append(word)
    return words


def _reasons(words: Sequence[Token]) -> set[int]:
    """Line numbers with a comment, or with one alone on the line above."""
    coded = {word.line for word in words if word.kind not in ("comment", "newline")}
    lines: set[int] = set()
    for word in words:
        if word.kind == "comment" and word.text.strip("#/* \t\n"):
            last = word.line + word.text.count("\n")
            lines |= {last} if word.line in coded else {last, last + 1}
    return lines


def _wildcards(words: Sequence[Token]) -> Iterator[Wildcard]:
    """Collect wildcards by statement, because Effect may come after Action."""
    stack = [_Statement()]
    for at, word in enumerate(words):
        if word.text == "{":
            stack.append(_Statement())
        elif word.text == "}" and len(stack) > 1:
            closed = stack.pop()
            yield from () if closed.denies else closed.wildcards
        elif word.kind in ("name", "string") and _assigned(words, at):
            _record(word.value, words[at + 2 :], stack[-1])
    for left in stack:
        yield from left.wildcards


def _assigned(words: Sequence[Token], at: int) -> bool:
    """Whether a token is the key of an assignment."""
    return at + 2 < len(words) and words[at + 1].text in ("=", ":")


def _record(key: str, rest: Sequence[Token], statement: _Statement) -> None:
    """Record an Effect, or the wildcards of an Action or Resource."""
    if key in _EFFECTS:
        statement.denies = rest[0].value == "Deny"
    elif key in _ACTIONS | _RESOURCES:
        is_wild = _action_is_wild if key in _ACTIONS else _resource_is_wild
        statement.wildcards += [
            Wildcard(key, word.value, word.line) for word in _strings(rest) if is_wild(word.value)
        ]


def _strings(rest: Sequence[Token]) -> Iterator[Token]:
    """Yield the string, or the strings of the list, at the start of a value."""
    if rest[0].kind == "string":
        yield rest[0]
    elif rest[0].text == "[":
        for word in rest[1:]:
            if word.text == "]":
                return
            if word.kind == "string":
                yield word


def _action_is_wild(text: str) -> bool:
    """Whether an action matches several actions."""
    return "*" in _INTERPOLATION.sub("x", text)


def _resource_is_wild(text: str) -> bool:
    """Whether a resource matches everything, or everything of a service."""
    if text == "*":
        return True
    parts = _INTERPOLATION.sub("x", text).split(":", _ARN_PARTS - 1)
    return parts[0] == "arn" and len(parts) == _ARN_PARTS and parts[-1] == "*"
