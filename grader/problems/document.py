"""A small YAML file of a problem: values taken out one by one, and what is left over is unknown."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import yaml

from grader.problems.findings import Findings

#: Values are shown in messages up to this many characters.
_SHOWN = 60


class Document:
    """
    A mapping whose values are checked as they are taken; what is wrong is noted, never raised.

    Args:
        where: How messages call it.
        values: Its keys and values; taken ones leave it.
        findings: Told what is wrong.
    """

    def __init__(self, where: str, values: Mapping[Any, Any], findings: Findings) -> None:
        """Copy the mapping; the values themselves stay."""
        self.where = where
        self._values = dict(values)
        self._findings = findings

    @classmethod
    def parse(cls, where: str, content: bytes, findings: Findings) -> Document:
        """Read a file; broken YAML is noted and counts as empty."""
        try:
            loaded = yaml.safe_load(content)
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            findings.error(f"{where}: not YAML: {_first_words(error)}")
            loaded = None
        if loaded is None:
            loaded = {}
        if not isinstance(loaded, dict):
            findings.error(f"{where}: must hold keys and values")
            loaded = {}
        return cls(where, loaded, findings)

    def __contains__(self, key: str) -> bool:
        """Whether there is still a value of this key."""
        return self._values.get(key) is not None

    def holds_mapping(self, key: str) -> bool:
        """Whether the value of this key is keys and values itself."""
        return isinstance(self._values.get(key), dict)

    def take(self, key: str) -> object:
        """Take a value of any kind; None when it is absent."""
        return self._values.pop(key, None)

    def ignore(self, *keys: str) -> None:
        """Drop what is known and does not matter to a judge."""
        for key in keys:
            self._values.pop(key, None)

    def number(self, key: str, *, least: float = -math.inf) -> float | None:
        """Take a finite number; None when it is absent, or wrong and noted."""
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
        """Take a number above 0, times `unit`, rounded up; None when absent or wrong."""
        value = self.number(key)
        if value is None:
            return None
        if value <= 0:
            self.wrong(key, "must be above 0")
            return None
        return math.ceil(round(value * unit, 6))

    def text(self, key: str) -> str:
        """Take a text; empty when it is absent."""
        value = self.take(key)
        return "" if value is None else str(value)

    def choice(self, key: str, allowed: tuple[str, ...]) -> str:
        """Take one of some words; empty when it is absent, or wrong and noted."""
        value = self.take(key)
        if value is None or value in allowed:
            return str(value or "")
        self.wrong(key, f"must be one of {', '.join(allowed)}")
        return ""

    def switch(self, key: str) -> bool:
        """Take true or false; false when it is absent, or wrong and noted."""
        value = self.take(key)
        if value is not None and not isinstance(value, bool):
            self.wrong(key, "must be true or false")
        return value is True

    def words(self, key: str) -> tuple[str, ...]:
        """Take words, written as one text or as a list."""
        value = self.take(key)
        if value is None:
            return ()
        found = value if isinstance(value, list) else str(value).split()
        words = tuple(str(word) for word in found if isinstance(word, str | int | float))
        if isinstance(value, dict) or len(words) < len(found):
            self.wrong(key, "must be words or a list of words")
            return ()
        if not all(word.isprintable() for word in words):
            self.wrong(key, "has characters that are no part of words")
            return ()
        return words

    def section(self, key: str) -> Document:
        """Take a mapping; empty when it is absent, or wrong and noted."""
        value = self.take(key)
        if value is not None and not isinstance(value, dict):
            self.wrong(key, "must hold keys and values")
            value = None
        return Document(f"{self.where}: {key}", value or {}, self._findings)

    def close(self) -> None:
        """Warn of every key that nobody took: a misspelt one does nothing."""
        for key in self._values:
            self._findings.warn(f"{self.where}: {_shown(key)}: unknown key, not used")

    def wrong(self, key: str, what: str) -> None:
        """Note that the value of a key cannot be."""
        self._findings.error(f"{self.where}: {key}: {what}")

    def warn(self, key: str, what: str) -> None:
        """Note that a key does not do here what it does elsewhere."""
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
    words = repr(value)
    return words if len(words) <= _SHOWN else words[:_SHOWN] + "..."


def _first_words(error: Exception) -> str:
    """Give the problem and its place, on one line."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"line {error.problem_mark.line + 1}: {error.problem or error.context}"
    return (str(error).splitlines() or [type(error).__name__])[0]
