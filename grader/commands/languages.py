"""What `grader languages` shows: each language as this machine has it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence

from grader.errors import SandboxError, SettingsError
from grader.judge.languages_check import LanguageStatus, choose, detect, self_test
from grader.sandbox import Box
from grader.settings import SandboxSettings

_SCHEMA_VERSION = 1


def inspect_machine(settings: SandboxSettings) -> tuple[list[LanguageStatus], str]:
    """
    Look at all languages, and try them out where the sandbox can be had.

    Returns:
        Their conditions, and why they were not tried out; empty when they were.

    Raises:
        SettingsError: LANGUAGES names one that does not exist.
    """
    found = detect(choose(settings.languages))
    try:
        with Box.claim(settings.launcher_path) as box:
            return self_test(box, found), ""
    except (SettingsError, SandboxError) as error:
        return found, f"not tested: {error}"


def as_json(conditions: Sequence[LanguageStatus]) -> str:
    """Give everything, for programs."""
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
        for one in conditions
    ]
    document = {"schema_version": _SCHEMA_VERSION, "kind": "languages", "languages": rows}
    return json.dumps(document, indent=2, ensure_ascii=False)


def as_table(conditions: Sequence[LanguageStatus]) -> str:
    """Give a line for each language, and below it what it is called and how it is run."""
    heads = [
        (one.language.name, one.language.title, one.state.value, one.version) for one in conditions
    ]
    widths = [max(map(len, column)) for column in zip(*heads, strict=True)]
    blocks = []
    for head, one in zip(heads, conditions, strict=True):
        cells = [cell.ljust(width) for cell, width in zip(head, widths, strict=True)]
        blocks.append("  ".join(cells).rstrip())
        blocks.extend(f"    {line}" for line in _details(one))
    return "\n".join(blocks)


def _details(condition: LanguageStatus) -> list[str]:
    language = condition.language
    lines = [f"{condition.state}: {condition.why}"] if condition.why else []
    lines.append(f"source   {language.source_name}; also called {', '.join(language.aliases)}")
    if language.compile_argv:
        lines.append(f"compile  {shown(language.compile_argv)}")
    lines.append(f"run      {shown(language.run_argv)}")
    return lines


def shown(argv: Sequence[str]) -> str:
    """Write a command on one line; of a script only how long it is."""
    if "\n" in argv[-1]:
        return f"{shlex.join(argv[:-1])} '...' ({len(argv[-1].splitlines())} lines)"
    return shlex.join(argv)
