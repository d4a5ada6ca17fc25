"""The root planned with a mocked provider: what shows its insides, and what became of each run."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path

_RESOURCE = re.compile(r'^resource "([^"]+)" "([^"]+)"', re.MULTILINE)


@dataclass(frozen=True)
class Verdict:
    """How a run of `terraform test` ended, and the errors that it told."""

    status: str
    said: str


def everything(modules: Path) -> dict[str, str]:
    """
    Write an output for each module that shows all its resources.

    Args:
        modules: The folder of the modules.

    Returns:
        `modules/NAME` to the text of a file for it.
    """
    written = {}
    for module in sorted(modules.iterdir()):
        found: dict[str, list[str]] = {}
        source = "\n".join(path.read_text() for path in module.glob("*.tf"))
        for kind, name in _RESOURCE.findall(source):
            found.setdefault(kind, []).append(f"{name} = {kind}.{name}")
        kinds = "\n".join(f"{kind} = {{ {', '.join(names)} }}" for kind, names in found.items())
        text = f'output "everything" {{\n  sensitive = true\n  value = {{\n{kinds}\n  }}\n}}\n'
        written[f"modules/{module.name}"] = text
    return written


def verdicts(lines: str) -> dict[str, Verdict]:
    """Read the stream of `terraform test -json`, in which each file has one run."""
    found: dict[str, Verdict] = {}
    for line in lines.splitlines():
        event = json.loads(line)
        name = event.get("@testfile", "").removesuffix(".tftest.hcl")
        verdict = found.get(name, Verdict("", ""))
        if event["type"] == "test_run":
            found[name] = replace(verdict, status=event["test_run"].get("status", verdict.status))
        if event["type"] == "diagnostic" and event["diagnostic"]["severity"] == "error":
            problem = event["diagnostic"]
            code = (problem.get("snippet") or {}).get("code", "")
            words = f"{problem['summary']}: {problem.get('detail', '')} {code}".split()
            said = f"{verdict.said}{' '.join(words)}\n"
            found[name] = replace(verdict, said=said)
    return found
