"""Edits variables in the text of environment.yaml, and keeps comments and order; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

_BLOCK = re.compile(r"^variables:[ \t]*(\{\}|null|~)?[ \t]*(#.*)?$")
_NOTHING = re.compile(r"^variables:[ \t]*(\{\}|null|~)")
_INDENTED = re.compile(r"^([ \t]+)[^\s#]")
_USUAL_INDENT = "  "


def with_flags(text: str, flags: Mapping[str, bool], *, removed_if_false: str = "") -> str:
    """
    Return the text with boolean variables set.

    Args:
        text: Content of environment.yaml. The caller must parse the result and compare it, because
            a mapping in braces is not edited.
        flags: Value by variable. One that is false and has no line gets none.
        removed_if_false: The variable whose line is removed when it becomes false.
    """
    lines = text.splitlines()
    start = next((at for at, line in enumerate(lines) if _BLOCK.match(line)), None)
    if start is None:
        if not any(flags.values()) or re.search(r"^variables:", text, re.MULTILINE):
            return text
        lines += ["variables:"]
        start = len(lines) - 1
    end = _end(lines, start)
    block = lines[start + 1 : end]
    for name, value in flags.items():
        block = _with_flag(block, name, value=value, removed=name == removed_if_false)
    empty = not any(_INDENTED.match(line) for line in block)
    head = lines[start] if empty else _NOTHING.sub("variables:", lines[start])
    return "\n".join([*lines[:start], head, *block, *lines[end:]]) + "\n"


def _end(lines: list[str], start: int) -> int:
    """Return the line after the last one of the block that begins at `start`."""
    last = start
    for at in range(start + 1, len(lines)):
        if lines[at] and not lines[at][0].isspace() and not lines[at].startswith("#"):
            break
        if _INDENTED.match(lines[at]):
            last = at
    return last + 1


def _with_flag(block: list[str], name: str, *, value: bool, removed: bool) -> list[str]:
    """Return the lines of the block with one variable set."""
    indent = next((found[1] for line in block if (found := _INDENTED.match(line))), _USUAL_INDENT)
    own = re.compile(rf"^{indent}(['\"]?){name}\1[ \t]*:[ \t]*[^\s#]*")
    at = next((at for at, line in enumerate(block) if own.match(line)), None)
    word = "true" if value else "false"
    if at is None:
        return [*block, f"{indent}{name}: {word}"] if value else block
    if removed and not value:
        return [*block[:at], *block[at + 1 :]]
    return [*block[:at], own.sub(f"{indent}{name}: {word}", block[at]), *block[at + 1 :]]
