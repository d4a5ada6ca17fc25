"""A YAML file of a problem, whose values are taken and checked one by one; the rest is unknown."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import yaml

from grader.problems.findings import PackageReport

#: Maximum length of a value in messages, characters.
_SHOWN = 60


class Document:
    """
    A mapping whose values are checked when they are taken; errors are findings, not exceptions.

    Args:
        where: Name of the file or section in messages.
        values: Keys and values; taken ones are removed.
        findings: Receives errors and warnings.
    """

    def __init__(self, where: str, values: Mapping[Any, Any], findings: PackageReport) -> None:
        self.where = where
        self._values = dict(values)
        self._findings = findings

    @classmethod
    def parse(cls, where: str, content: bytes, findings: PackageReport) -> Document:
        """Parse a file; invalid YAML is an error and counts as empty."""
        try:
            loaded = yaml.safe_load(content)
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            findings.error(f"{where}: invalid YAML: {_first_line(error)}")
            loaded = None
        if loaded is None:
            loaded = {}
        if not isinstance(loaded, dict):
            findings.error(f"{where}: must be a mapping of keys to values")
            loaded = {}
        return cls(where, loaded, findings)

    def __contains__(self, key: str) -> bool:
        """Whether the key has a value that was not taken."""
        return self._values.get(key) is not None

    def holds_mapping(self, key: str) -> bool:
        """Whether the value of this key is a mapping."""
        return isinstance(self._values.get(key), dict)

    def take(self, key: str) -> object:
        """Take a value of any type; None if it is absent."""
        return self._values.pop(key, None)

    def ignore(self, *keys: str) -> None:
        """Drop keys that do not matter for judging."""
        for key in keys:
            self._values.pop(key, None)

    def number(self, key: str, *, least: float = -math.inf) -> float | None:
        """Take a finite number; None if it is absent or invalid."""
        value = self.take(key)
        if value is None:
            return None
        if isinstance(value, str):  # YAML 1.1 reads 1e-6 as text
            value = _number(value)
        if isinstance(value, bool) or not isinstance(value, int | float) or not _finite(value):
            self.wrong(key, "must be a number")
            return None
        if value < least:
            self.wrong(key, f"must be at least {least:g}")
            return None
        return float(value)

    def amount(self, key: str, unit: int = 1) -> int | None:
        """Take a number above 0, times `unit`, rounded up; None if it is absent or invalid."""
        value = self.number(key)
        if value is None:
            return None
        if value <= 0:
            self.wrong(key, "must be above 0")
            return None
        return math.ceil(round(value * unit, 6))

    def text(self, key: str) -> str:
        """Take a string; empty if it is absent."""
        value = self.take(key)
        return "" if value is None else str(value)

    def choice(self, key: str, allowed: tuple[str, ...]) -> str:
        """Take one of the allowed strings; empty if it is absent or invalid."""
        value = self.take(key)
        if value is None or value in allowed:
            return str(value or "")
        self.wrong(key, f"must be one of {', '.join(allowed)}")
        return ""

    def switch(self, key: str) -> bool:
        """Take a boolean; false if it is absent or invalid."""
        value = self.take(key)
        if value is not None and not isinstance(value, bool):
            self.wrong(key, "must be true or false")
        return value is True

    def words(self, key: str) -> tuple[str, ...]:
        """Take words, written as one string or as a list."""
        value = self.take(key)
        if value is None:
            return ()
        found = value if isinstance(value, list) else str(value).split()
        words = tuple(str(word) for word in found if isinstance(word, str | int | float))
        if isinstance(value, dict) or len(words) < len(found):
            self.wrong(key, "must be words or a list of words")
            return ()
        if not all(word.isprintable() for word in words):
            self.wrong(key, "has control characters")
            return ()
        return words

    def section(self, key: str) -> Document:
        """Take a mapping; empty if it is absent or invalid."""
        value = self.take(key)
        if value is not None and not isinstance(value, dict):
            self.wrong(key, "must be a mapping of keys to values")
            value = None
        return Document(f"{self.where}: {key}", value or {}, self._findings)

    def close(self) -> None:
        """Warn about each key that was not taken: a typo has no effect."""
        for key in self._values:
            self._findings.warn(f"{self.where}: {_shown(key)}: unknown key, ignored")

    def wrong(self, key: str, what: str) -> None:
        """Report an invalid value."""
        self._findings.error(f"{self.where}: {key}: {what}")

    def warn(self, key: str, what: str) -> None:
        """Report a key whose effect differs from the format's."""
        self._findings.warn(f"{self.where}: {key}: {what}")


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond any float
        return False


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


def _first_line(error: Exception) -> str:
    """Describe a YAML error and its line, on one line."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"line {error.problem_mark.line + 1}: {error.problem or error.context}"
    return (str(error).splitlines() or [type(error).__name__])[0]
