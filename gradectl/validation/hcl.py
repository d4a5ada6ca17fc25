"""
Terraform's language, read as far as checks need it: what stands on which line.

Nothing is evaluated. Terraform itself says whether a file is right; this only has to find things.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_NAME = re.compile(r"[A-Za-z_][\w-]*")
_SPACE = re.compile(r"[ \t\r\ufeff]+")
_COMMENT = re.compile(r"(?:#|//)[^\n]*|/\*.*?\*/", re.DOTALL)
_HEREDOC = re.compile(r"<<-?([A-Za-z_]\w*)\r?\n(.*?)^[ \t]*\1\b", re.DOTALL | re.MULTILINE)
_NUMBER = re.compile(r"\d[\w.]*")
_OPENING, _CLOSING = "{[(", "}])"


class HclError(ValueError):
    """A text that is no Terraform; `line` says where it stops to be."""

    def __init__(self, line: int, what: str) -> None:
        """Keep the line apart from what is wrong there."""
        super().__init__(what)
        self.line = line


@dataclass(frozen=True)
class Token:
    """One word: its kind (name, string, heredoc, number, comment, newline, mark), text and line."""

    kind: str
    text: str
    line: int

    @property
    def value(self) -> str:
        """What stands between the quotes of a string, or the text."""
        return self.text[1:-1] if self.kind == "string" else self.text


@dataclass(frozen=True)
class Attribute:
    """`name = value`."""

    name: str
    line: int
    value: tuple[Token, ...]

    @property
    def literal(self) -> str | None:
        """The value where it is one plain string."""
        if len(self.value) == 1 and self.value[0].kind == "string":
            return self.value[0].value
        return None


@dataclass(frozen=True)
class Block:
    """`kind "label" { ... }`."""

    kind: str
    labels: tuple[str, ...]
    line: int
    attributes: tuple[Attribute, ...]
    blocks: tuple[Block, ...]

    def attribute(self, name: str) -> Attribute | None:
        """Find an attribute of the block itself."""
        return next((item for item in self.attributes if item.name == name), None)


def tokens(text: str, first_line: int = 1) -> list[Token]:
    """
    Split a text into words.

    Args:
        text: Terraform, or JSON.
        first_line: Number of its first line.

    Raises:
        HclError: A string, comment or heredoc has no end.
    """
    found: list[Token] = []
    position, line = 0, first_line
    while position < len(text):
        if space := _SPACE.match(text, position):
            position = space.end()
            continue
        kind, end = _next(text, position, line)
        found.append(Token(kind, text[position:end], line))
        line += text.count("\n", position, end)
        position = end
    return found


def _next(text: str, position: int, line: int) -> tuple[str, int]:
    """Tell what begins at a position, and where it ends."""
    char = text[position]
    if char == "\n":
        return "newline", position + 1
    if char == '"':
        return "string", _string_end(text, position, line)
    if text.startswith(("#", "//", "/*"), position):
        comment = _COMMENT.match(text, position)
        if not comment:
            raise HclError(line, "a comment has no end")
        return "comment", comment.end()
    if text.startswith("<<", position):
        heredoc = _HEREDOC.match(text, position)
        if not heredoc:
            raise HclError(line, "a heredoc has no end")
        return "heredoc", heredoc.end()
    for kind, pattern in (("name", _NAME), ("number", _NUMBER)):
        if word := pattern.match(text, position):
            return kind, word.end()
    return "mark", position + 1


def _string_end(text: str, start: int, line: int) -> int:
    """Find the end of a string, past what is interpolated into it."""
    position = start + 1
    while position < len(text) and text[position] != "\n":
        if text[position] == '"':
            return position + 1
        if text[position] == "\\" or text.startswith(("$${", "%%{"), position):
            position += 2
        elif text.startswith(("${", "%{"), position):
            position = _interpolation_end(text, position + 2, line)
        else:
            position += 1
    raise HclError(line, "a string has no end")


def _interpolation_end(text: str, start: int, line: int) -> int:
    """Find the end of `${...}`, which may hold strings and braces of its own."""
    position, depth = start, 1
    while position < len(text):
        if text[position] == '"':
            position = _string_end(text, position, line)
            continue
        depth += {"{": 1, "}": -1}.get(text[position], 0)
        position += 1
        if depth == 0:
            return position
    raise HclError(line, "an interpolation has no end")


def parse(text: str, first_line: int = 1) -> tuple[Block, ...]:
    """
    Read the blocks of a file.

    Raises:
        HclError: It is no Terraform.
    """
    words = [word for word in tokens(text, first_line) if word.kind != "comment"]
    reader = _Reader(words)
    _, blocks = reader.body()
    if reader.at < len(words):
        raise HclError(words[reader.at].line, "a closing brace without its opening one")
    return blocks


class _Reader:
    """Walks over the words of a file."""

    def __init__(self, words: list[Token]) -> None:
        """Begin at the first."""
        self._words = words
        self.at = 0

    def body(self) -> tuple[tuple[Attribute, ...], tuple[Block, ...]]:
        """Read attributes and blocks up to a closing brace, which is left, or the end."""
        attributes: list[Attribute] = []
        blocks: list[Block] = []
        while self.at < len(self._words) and self._words[self.at].text != "}":
            word = self._words[self.at]
            self.at += 1
            if word.kind not in ("name", "string"):
                continue
            if self.at < len(self._words) and self._words[self.at].text == "=":
                self.at += 1
                attributes.append(Attribute(word.value, word.line, self._value()))
            else:
                blocks.append(self._block(word))
        return tuple(attributes), tuple(blocks)

    def _value(self) -> tuple[Token, ...]:
        """Read a value up to the end of its line, or of its outermost bracket."""
        found: list[Token] = []
        depth = 0
        while self.at < len(self._words):
            word = self._words[self.at]
            if depth == 0 and (word.kind == "newline" or word.text == "}"):
                break
            if word.kind == "mark":
                depth += (word.text in _OPENING) - (word.text in _CLOSING)
            if word.kind != "newline":
                found.append(word)
            self.at += 1
        return tuple(found)

    def _block(self, first: Token) -> Block:
        """Read the labels and the body of a block."""
        labels: list[str] = []
        while self.at < len(self._words) and self._words[self.at].kind in ("name", "string"):
            labels.append(self._words[self.at].value)
            self.at += 1
        if self.at >= len(self._words) or self._words[self.at].text != "{":
            raise HclError(first.line, f"{first.text} is neither an argument nor a block")
        self.at += 1
        attributes, blocks = self.body()
        if self.at >= len(self._words):
            raise HclError(first.line, f"the block {first.text} has no end")
        self.at += 1
        return Block(first.text, tuple(labels), first.line, attributes, blocks)
