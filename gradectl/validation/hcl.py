"""
Reads Terraform's language (HCL) into tokens and blocks with line numbers.

It evaluates nothing and accepts some invalid files, which `terraform validate` reports. Why not
python-hcl2: docs/decisions/0007-own-hcl-reader.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

_NAME = re.compile(r"[A-Za-z_][\w-]*")
_SPACE = re.compile(r"[ \t\r\ufeff]+")
_COMMENT = re.compile(r"(?:#|//)[^\n]*|/\*.*?\*/", re.DOTALL)
#: Also the stars that decorate the lines of a long comment: they say nothing.
_COMMENT_MARK = re.compile(r"^(?:#+|//|/\*+)|\*/$|(?<=\n)[ \t]*\*+(?=\s|/?$)")
_HEREDOC = re.compile(r"<<-?([A-Za-z_]\w*)\r?\n(.*?)^[ \t]*\1\b", re.DOTALL | re.MULTILINE)
_NUMBER = re.compile(r"\d[\w.]*")
_TEMPLATE = re.compile(r"(?P<escaped>\$\$\{|%%\{)|[$%]\{")
_OPENING, _CLOSING = "{[(", "}])"


class HclError(ValueError):
    """Invalid HCL; `line` is the position of the error."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True)
class Token:
    """Kind (name, string, heredoc, number, comment, newline, mark), text and line of a token."""

    kind: str
    text: str
    line: int

    @property
    def value(self) -> str:
        """The content of a string without its quotes; otherwise the text."""
        return self.text[1:-1] if self.kind == "string" else self.text


@dataclass(frozen=True)
class Attribute:
    """`name = value`."""

    name: str
    line: int
    value: tuple[Token, ...]

    @property
    def literal(self) -> str | None:
        """The value if it is a single string."""
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
        """Return an attribute of the block itself, not of inner blocks."""
        return next((item for item in self.attributes if item.name == name), None)

    @property
    def all_attributes(self) -> Iterator[Attribute]:
        """Its attributes and those of all inner blocks."""
        yield from self.attributes
        for block in self.blocks:
            yield from block.all_attributes


def tokens(text: str, first_line: int = 1) -> list[Token]:
    """
    Split a text into tokens.

    Args:
        text: HCL or JSON.
        first_line: Number of the first line.

    Raises:
        HclError: A string, comment or heredoc is not closed.
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
    """Return the kind and end of the token at a position."""
    char = text[position]
    if char == "\n":
        return "newline", position + 1
    if char == '"':
        return "string", _string_end(text, position, line)
    if text.startswith(("#", "//", "/*"), position):
        comment = _COMMENT.match(text, position)
        if not comment:
            raise HclError(line, "unclosed comment")
        return "comment", comment.end()
    if text.startswith("<<", position):
        heredoc = _HEREDOC.match(text, position)
        if not heredoc:
            raise HclError(line, "unclosed heredoc")
        return "heredoc", heredoc.end()
    for kind, pattern in (("name", _NAME), ("number", _NUMBER)):
        if token := pattern.match(text, position):
            return kind, token.end()
    return "mark", position + 1


def _string_end(text: str, start: int, line: int) -> int:
    """Find the end of a string, including its interpolations."""
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
    raise HclError(line, "unclosed string")


def _interpolation_end(text: str, start: int, line: int) -> int:
    """Find the end of `${...}`, which may contain strings and braces."""
    position, depth = start, 1
    while position < len(text):
        if text[position] == '"':
            position = _string_end(text, position, line)
            continue
        depth += {"{": 1, "}": -1}.get(text[position], 0)
        position += 1
        if depth == 0:
            return position
    raise HclError(line, "unclosed interpolation")


def expression(found: Iterable[Token]) -> Iterator[Token]:
    """
    Yield the tokens of an expression, and those inside the templates of its strings.

    Raises:
        HclError: A template is not closed.
    """
    for token in found:
        if token.kind not in ("comment", "newline"):
            yield token
        if token.kind in ("string", "heredoc"):
            yield from _templates(token)


def _templates(token: Token) -> Iterator[Token]:
    """Yield the tokens inside `${...}` and `%{...}`."""
    position = 0
    while opening := _TEMPLATE.search(token.text, position):
        position = opening.end()
        if not opening["escaped"]:
            position = _interpolation_end(token.text, opening.end(), token.line)
            line = token.line + token.text.count("\n", 0, opening.end())
            yield from expression(tokens(token.text[opening.end() : position - 1], line))


def references(found: Iterable[Token], kind: str) -> set[str]:
    """
    List the names that an expression refers to, such as `name` for `var.name`.

    Args:
        found: The tokens of the expression.
        kind: `var`, `local` or another first word.

    Raises:
        HclError: A template in a string is not closed.
    """
    words = [Token("mark", "", 0), *expression(found)]
    return {
        name.text
        for before, first, dot, name in zip(words, words[1:], words[2:], words[3:], strict=False)
        if (first.kind, first.text) == ("name", kind) and dot.text == "." and before.text != "."
    }


def comments(found: Iterable[Token]) -> dict[int, str]:
    """
    Map each line to the comment about it: on the same line, or alone on the lines above.

    Empty comments are left out.
    """
    sequence = [token for token in found if token.kind != "newline"]
    coded = {token.line for token in sequence if token.kind != "comment"}
    about: dict[int, str] = {}
    for token in sequence:
        if token.kind != "comment" or not token.text.strip("#/* \t\n"):
            continue
        words = _COMMENT_MARK.sub("", token.text).strip()
        if token.line in coded:
            about[token.line] = f"{about.get(token.line, '')} {words}".strip()
        else:
            # The comment lines directly above are its beginning.
            last = token.line + token.text.count("\n")
            text = f"{about.get(token.line, '')} {words}".strip()
            about |= {last: text, last + 1: text}
    return about


@lru_cache(maxsize=512)  # each check reads every file
def parse(text: str, first_line: int = 1) -> tuple[Block, ...]:
    """
    Parse a file into its blocks.

    Raises:
        HclError: The text is not valid HCL.
    """
    code = [token for token in tokens(text, first_line) if token.kind != "comment"]
    reader = _Reader(code)
    _, blocks = reader.body()
    if reader.at < len(code):
        raise HclError(code[reader.at].line, "unmatched closing brace")
    return blocks


class _Reader:
    """Recursive descent over the tokens of a file."""

    def __init__(self, code: list[Token]) -> None:

        self._tokens = code
        self.at = 0

    def body(self) -> tuple[tuple[Attribute, ...], tuple[Block, ...]]:
        """Parse attributes and blocks up to a closing brace (not consumed) or the end."""
        attributes: list[Attribute] = []
        blocks: list[Block] = []
        while self.at < len(self._tokens) and self._tokens[self.at].text != "}":
            token = self._tokens[self.at]
            self.at += 1
            if token.kind not in ("name", "string"):
                continue
            if self.at < len(self._tokens) and self._tokens[self.at].text == "=":
                self.at += 1
                attributes.append(Attribute(token.value, token.line, self._value()))
            else:
                blocks.append(self._block(token))
        return tuple(attributes), tuple(blocks)

    def _value(self) -> tuple[Token, ...]:
        """Parse a value up to the end of the line, or of its outermost bracket."""
        found: list[Token] = []
        depth = 0
        while self.at < len(self._tokens):
            token = self._tokens[self.at]
            if depth == 0 and (token.kind == "newline" or token.text == "}"):
                break
            if token.kind == "mark":
                depth += (token.text in _OPENING) - (token.text in _CLOSING)
            if token.kind != "newline":
                found.append(token)
            self.at += 1
        return tuple(found)

    def _block(self, first: Token) -> Block:
        """Parse the labels and the body of a block."""
        labels: list[str] = []
        while self.at < len(self._tokens) and self._tokens[self.at].kind in ("name", "string"):
            labels.append(self._tokens[self.at].value)
            self.at += 1
        if self.at >= len(self._tokens) or self._tokens[self.at].text != "{":
            raise HclError(first.line, f"{first.text} is neither an attribute nor a block")
        self.at += 1
        attributes, blocks = self.body()
        if self.at >= len(self._tokens):
            raise HclError(first.line, f"unclosed block {first.text}")
        self.at += 1
        return Block(first.text, tuple(labels), first.line, attributes, blocks)
