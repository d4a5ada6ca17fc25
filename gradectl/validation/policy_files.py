"""Finds the files that Terraform configuration reads with `file` and `templatefile`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from glob import escape
from pathlib import Path

from gradectl.validation.hcl import Block, Token, expression

_READERS = frozenset({"file", "templatefile"})
_HERE = re.compile(r"\$\{\s*path\.(?:module|root|cwd)\s*\}")
_INTERPOLATION = re.compile(r"\$\{[^}]*\}")
_STARS = re.compile(r"\*{2,}")
#: The key of an IAM policy; other files are not policies.
_STATEMENT = re.compile(r'"Statement"\s*:')


@dataclass(frozen=True)
class ReadFile:
    """A file that a function reads, and the line of the call."""

    path: Path
    function: str
    line: int


def read_files(blocks: Sequence[Block], folder: Path) -> Iterator[ReadFile]:
    """
    Yield the files that blocks read, as far as their names are written out.

    A name with an expression in it, such as `policies/${each.key}.json`, stands for all files that
    it matches; the files of `fileset` count as read.

    Args:
        blocks: The blocks.
        folder: Their folder.

    Raises:
        HclError: A template in a string is not closed.
    """
    for item in (item for block in blocks for item in block.all_attributes):
        words = list(expression(item.value))
        for at, token in enumerate(words):
            if token.kind == "name" and token.text in (*_READERS, "fileset"):
                for path in _found(_pattern(words[at + 1 :], token.text), folder):
                    yield ReadFile(path.resolve(), token.text, token.line)


def policy_text(read: ReadFile) -> str | None:
    """
    Return the text of a policy as the reader of HCL understands it; None for other files.

    Only `templatefile` has templates: those of other files are text.
    """
    try:
        text = read.path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    if not _STATEMENT.search(text):
        return None
    if read.function == "templatefile":
        return text
    return text.replace("${", "$${").replace("%{", "%%{")


def _found(pattern: str, folder: Path) -> Iterator[Path]:
    """Yield the files that a pattern matches; a device would have no end."""
    pattern = _STARS.sub("*", pattern)
    base = Path("/") if pattern.startswith("/") else folder
    # Nothing but the folder itself is left of some names.
    if pattern.strip("./"):
        yield from (path for path in sorted(base.glob(pattern.lstrip("/"))) if path.is_file())


def _pattern(rest: Sequence[Token], function: str) -> str:
    """The pattern of the files that a call names; empty where it is not written out."""
    if not rest or rest[0].text != "(":
        return ""
    if function != "fileset":
        return _matching(rest[1].value) if _is_string(rest[1:]) else ""
    if [token.text for token in rest[1:3]] == ["path", "."]:
        folder, rest = ".", rest[5:]
    elif _is_string(rest[1:]):
        folder, rest = _matching(rest[1].value), rest[len(list(expression(rest[1:2]))) + 2 :]
    else:
        return ""
    names = rest[0].value if _is_string(rest) else ""
    return f"{folder}/{names}" if names else ""


def _is_string(words: Sequence[Token]) -> bool:
    """Whether the first word is a string without a character that no path has."""
    return bool(words) and words[0].kind == "string" and "\0" not in words[0].text


def _matching(text: str) -> str:
    """Convert a string to the pattern of the paths that it can be."""
    here = _HERE.sub(".", text)
    return "*".join(escape(part) for part in _INTERPOLATION.split(here))
