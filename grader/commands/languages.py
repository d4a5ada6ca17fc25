"""`grader languages`: lists the languages and their state on this machine."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence

from grader.errors import SandboxError, SettingsError
from grader.judge.languages_check import LanguageStatus, choose, detect, self_test
from grader.sandbox import Box
from grader.sandbox.signals import interrupted_once
from grader.settings import SandboxSettings

_SCHEMA_VERSION = 1


def inspect_machine(settings: SandboxSettings) -> tuple[list[LanguageStatus], str]:
    """
    Detect all languages, and test them if a sandbox is available.

    Returns:
        Their statuses, and the reason why they were not tested; empty if they were.

    Raises:
        SettingsError: LANGUAGES names one that does not exist.
    """
    found = detect(choose(settings.languages))
    try:
        with interrupted_once(), Box.claim(settings.launcher_path) as box:
            return self_test(box, found), ""
    except (SettingsError, SandboxError) as error:
        return found, f"not tested: {error}"


def as_json(statuses: Sequence[LanguageStatus]) -> str:
    """Render all fields as JSON."""
    rows = [
        {
            "name": one.language.name,
            "title": one.language.title,
            "aliases": list(one.language.aliases),
            "version": one.version,
            "status": one.state,
            "reason": one.why,
            "source_file": one.language.source_name,
            "compile_command": list(one.language.compile_argv),
            "run_command": list(one.language.run_argv),
            "least_memory_mb": one.language.least_memory_mb,
        }
        for one in statuses
    ]
    document = {"schema_version": _SCHEMA_VERSION, "kind": "languages", "languages": rows}
    return json.dumps(document, indent=2, ensure_ascii=False)


def as_table(statuses: Sequence[LanguageStatus]) -> str:
    """Render one line for each language, with its aliases and commands below."""
    heads = [
        (one.language.name, one.language.title, one.state.value, one.version) for one in statuses
    ]
    widths = [max(map(len, column)) for column in zip(*heads, strict=True)]
    blocks = []
    for head, one in zip(heads, statuses, strict=True):
        cells = [cell.ljust(width) for cell, width in zip(head, widths, strict=True)]
        blocks.append("  ".join(cells).rstrip())
        blocks.extend(f"    {line}" for line in _details(one))
    return "\n".join(blocks)


def _details(status: LanguageStatus) -> list[str]:
    language = status.language
    lines = [f"{status.state}: {status.why}"] if status.why else []
    lines.append(f"source   {language.source_name}; also called {', '.join(language.aliases)}")
    if language.compile_argv:
        lines.append(f"compile  {shown(language.compile_argv)}")
    lines.append(f"run      {shown(language.run_argv)}")
    return lines


def shown(argv: Sequence[str]) -> str:
    """Quote a command on one line; each script in it is shortened to its length."""
    return " ".join(
        f"'...' ({len(word.splitlines())} lines)" if "\n" in word else shlex.quote(word)
        for word in argv
    )
