"""
Provider processes that many Terraform commands share.

A command starts its providers for itself, and for the AWS provider that is most of its time: the
checksum of 700 MB, then its start. Terraform's own way around it is the one that developers of
providers use: a provider started with `-debug` says how to reach it, and commands that find that in
TF_REATTACH_PROVIDERS neither install nor start it. Such a provider serves checks, which only read
its schema; nothing is ever planned against an account or applied with it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gradectl.errors import GradectlError
from gradectl.processes.tools import Tools

REATTACH = "TF_REATTACH_PROVIDERS"
_ANNOUNCED = re.compile(rf"{REATTACH}='(.*)'")
_START_SECONDS = 60.0


def serve_providers(data_dir: Path, tools: Tools) -> str:
    """
    Start the providers that `terraform init` put into a data directory.

    Args:
        data_dir: The data directory.
        tools: Starts them, and ends them with everything else.

    Returns:
        The value for TF_REATTACH_PROVIDERS. A provider that knows no `-debug` is not in it.
    """
    served: dict[str, Any] = {}
    for address, program in _providers(data_dir):
        try:
            answer = tools.serve([str(program), "-debug"], data_dir, _announced, _START_SECONDS)
            (served[address],) = json.loads(answer).values()
        except (GradectlError, ValueError):
            continue
    return json.dumps(served)


def _providers(data_dir: Path) -> Iterator[tuple[str, Path]]:
    """Find the programs below `providers/HOST/NAMESPACE/TYPE/VERSION/PLATFORM`."""
    for folder in sorted((data_dir / "providers").glob("*/*/*/*/*")):
        host, namespace, kind = folder.parts[-5:-2]
        for program in sorted(folder.glob(f"terraform-provider-{kind}*"))[:1]:
            yield f"{host}/{namespace}/{kind}", program


def _announced(line: str) -> str:
    """Give the connection that a line of a provider's output announces."""
    found = _ANNOUNCED.search(line)
    return found.group(1) if found else ""
