"""The baseline: errors that a team has today, and that do not fail its checks."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from gradectl.environment import StrictModel, near, validated
from gradectl.errors import ConfigurationError
from gradectl.validation.file_writer import replace_file
from gradectl.validation.fingerprints import Fingerprint

_KIND = "validate-baseline"


class KnownFinding(StrictModel):
    """
    One line of the file.

    Attributes:
        check: The check that found it.
        rule: As in `Fingerprint`; so are `path`, `block` and `message`.
        count: How many findings have this fingerprint; one more fails the check.
    """

    check: str
    rule: str = ""
    path: str
    block: str = ""
    message: str
    count: Annotated[int, Field(ge=1)] = 1

    @property
    def key(self) -> _Key:
        """Check and fingerprint."""
        return self.check, Fingerprint(self.path, self.block, self.rule, self.message)


class _Document(StrictModel):
    """The whole file."""

    schema_version: Literal[1]
    kind: Literal["validate-baseline"]
    findings: list[dict[str, Any]]


_Key = tuple[str, Fingerprint]


@dataclass(frozen=True)
class StaleEntry:
    """An entry of which fewer findings exist than it counts."""

    check: str
    line: int
    text: str


class Baseline:
    """
    The file during one run.

    Args:
        path: The file.
        entries: Its entries.
        text: Its content, to find the lines of entries.
        recording: Whether the file is written anew, so that every error counts as known.
    """

    def __init__(
        self,
        path: Path,
        entries: Sequence[KnownFinding] = (),
        text: str = "",
        *,
        recording: bool = False,
    ) -> None:
        self.path = path.resolve()
        self._lines = text.splitlines()
        self._entries = entries
        self._recording = recording
        self._listed: Counter[_Key] = Counter()
        for entry in entries:
            self._listed[entry.key] += entry.count
        self._found: Counter[_Key] = Counter()

    def covers(self, check: str, fingerprint: Fingerprint) -> bool:
        """Count an error, and return whether it is known."""
        key = (check, fingerprint)
        self._found[key] += 1
        return self._recording or self._found[key] <= self._listed[key]

    def lists(self, check: str, fingerprint: Fingerprint) -> bool:
        """Whether the file, as it was read, has the errors that were counted so far."""
        key = (check, fingerprint)
        return self._found[key] <= self._listed[key]

    def stale(self, checks: Collection[str]) -> Iterator[StaleEntry]:
        """
        Yield the entries that are no longer needed.

        Args:
            checks: The checks that looked at everything; entries of others may still be needed.
        """
        if self._recording:
            return
        for entry in self._entries:
            found = self._found[entry.key]
            if entry.check in checks and found < self._listed[entry.key]:
                message = json.dumps(entry.message, ensure_ascii=False)
                line = next((n for n, text in enumerate(self._lines, 1) if message in text), 1)
                counted = f"only {found} of {entry.count} left" if found else "not found"
                text = f"{counted}: {entry.path}: {entry.message}"
                yield StaleEntry(entry.check, line, text)

    def update(self, checks: Collection[str]) -> tuple[int, int, int]:
        """
        Write the errors that were found.

        Args:
            checks: The checks that looked at everything; entries of others are kept.

        Returns:
            How many errors are known now, were added, and were removed.

        Raises:
            GradectlError: The file cannot be written; it is unchanged.
        """
        kept = {key: n for key, n in self._listed.items() if key[0] not in checks}
        now = Counter({key: n for key, n in self._found.items() if key[0] in checks})
        now.update(kept)
        replace_file(self.path, _text(now).encode())
        added, removed = (now - self._listed).total(), (self._listed - now).total()
        return now.total(), added, removed


def read_baseline(path: Path, checks: Sequence[str], *, recording: bool) -> Baseline:
    """
    Read a baseline.

    Args:
        path: The file; it may be missing when `recording`.
        checks: Names of all checks.
        recording: Whether it is written anew after the run.

    Raises:
        ConfigurationError: It is missing, or is not a baseline.
    """
    again = f"gradectl validate --baseline {path} --update-baseline"
    if recording and not path.exists():
        return Baseline(path, recording=True)
    try:
        text = path.read_text(encoding="utf-8")
        content = json.loads(text)
    except FileNotFoundError as error:
        raise ConfigurationError("file not found", where=str(path), next_step=again) from error
    except (OSError, ValueError) as error:
        what = f"the baseline cannot be read: {error}"
        hint = f"restore it from version control, or remove it and run: {again}"
        raise ConfigurationError(what, where=str(path), next_step=hint) from error
    if not isinstance(content, dict):
        what = f"not a baseline: expected an object with kind {_KIND!r}"
        raise ConfigurationError(what, where=str(path), next_step=f"name another file, or: {again}")
    listed = validated(_Document, content, str(path)).findings
    entries = [
        validated(KnownFinding, entry, f"{path}: findings.{n}") for n, entry in enumerate(listed)
    ]
    for number, entry in enumerate(entries):
        if entry.check not in checks:
            what = f"there is no check {entry.check!r}"
            hint = near(entry.check, list(checks)) or "remove the entry"
            where = f"{path}: findings.{number}"
            raise ConfigurationError(what, where=where, next_step=hint)
    return Baseline(path, entries, text, recording=recording)


def _text(found: Counter[_Key]) -> str:
    """Write one entry a line, sorted, so that changes are easy to review and to merge."""
    lines = [
        json.dumps(
            KnownFinding(
                check=check,
                rule=fingerprint.rule,
                path=fingerprint.path,
                block=fingerprint.block,
                message=fingerprint.message,
                count=count,
            ).model_dump(),
            ensure_ascii=False,
        )
        for (check, fingerprint), count in sorted(found.items())
    ]
    listed = ",\n    ".join(lines)
    listed = f"[\n    {listed}\n  ]" if lines else "[]"
    return f'{{\n  "schema_version": 1,\n  "kind": "{_KIND}",\n  "findings": {listed}\n}}\n'
