"""Finds wildcards in IAM policy documents that have no comment with a reason."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from gradectl.validation.hcl import Token, comments, tokens

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
    sequence = _expanded(tokens(text))
    reasons = comments(sequence)
    plain = [token for token in sequence if token.kind not in ("comment", "newline")]
    found = [item for item in _wildcards(plain) if item.line not in reasons]
    return sorted(found, key=lambda item: item.line)


def names_wildcard(reason: str, text: str) -> bool:
    """
    Whether a comment names a wildcard as a word of its own: `s3:Get*` does not name `*`.

    Args:
        reason: The text of the comment.
        text: The wildcard.
    """
    before, after = r"(?<![^\s\"'`(,;])", r"(?=[\"'`),;]|[.:]?(?:\s|$))"
    return bool(re.search(f"{before}{re.escape(text)}{after}", reason))


def _expanded(found: Sequence[Token]) -> list[Token]:
    """Expand heredocs with JSON policies into their tokens."""
    sequence: list[Token] = []
    for token in found:
        body = token.text.partition("\n")[2]
        if token.kind == "heredoc" and body.lstrip().startswith("{"):
            sequence += tokens(body[: body.rindex("\n")], token.line + 1)
        else:
            sequence.append(token)
    return sequence


def _wildcards(sequence: Sequence[Token]) -> Iterator[Wildcard]:
    """Collect wildcards by statement, because Effect may come after Action."""
    stack = [_Statement()]
    for at, token in enumerate(sequence):
        if token.text == "{":
            stack.append(_Statement())
        elif token.text == "}" and len(stack) > 1:
            closed = stack.pop()
            yield from () if closed.denies else closed.wildcards
        elif token.kind in ("name", "string") and _assigned(sequence, at):
            _record(token.value, sequence[at + 2 :], stack[-1])
    for left in stack:
        yield from left.wildcards


def _assigned(sequence: Sequence[Token], at: int) -> bool:
    """Whether a token is the key of an assignment."""
    return at + 2 < len(sequence) and sequence[at + 1].text in ("=", ":")


def _record(key: str, rest: Sequence[Token], statement: _Statement) -> None:
    """Record an Effect, or the wildcards of an Action or Resource."""
    if key in _EFFECTS:
        statement.denies = rest[0].value == "Deny"
    elif key in _ACTIONS | _RESOURCES:
        is_wild = _action_is_wild if key in _ACTIONS else _resource_is_wild
        statement.wildcards += [
            Wildcard(key, token.value, token.line)
            for token in _strings(rest)
            if is_wild(token.value)
        ]


def _strings(rest: Sequence[Token]) -> Iterator[Token]:
    """Yield the string, or the strings of the list, at the start of a value."""
    if rest[0].kind == "string":
        yield rest[0]
    elif rest[0].text == "[":
        for token in rest[1:]:
            if token.text == "]":
                return
            if token.kind == "string":
                yield token


def _action_is_wild(text: str) -> bool:
    """Whether an action matches several actions."""
    return "*" in _INTERPOLATION.sub("x", text)


def _resource_is_wild(text: str) -> bool:
    """Whether a resource matches everything, or everything of a service."""
    if text == "*":
        return True
    parts = _INTERPOLATION.sub("x", text).split(":", _ARN_PARTS - 1)
    return parts[0] == "arn" and len(parts) == _ARN_PARTS and parts[-1] == "*"
