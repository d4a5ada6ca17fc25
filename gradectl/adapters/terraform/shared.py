"""
Provider processes that several Terraform commands share.

Each command normally starts its own providers; for the AWS provider this is most of its time: a
checksum over 700 MB, then the start. Terraform's debugging support avoids it: a provider started
with `-debug` prints its address, and commands with that in TF_REATTACH_PROVIDERS neither install
nor start the provider. It serves only checks, which read its schema; no plan or apply against an
account uses it.
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
    Start the providers that `terraform init` installed into a data directory.

    Args:
        data_dir: The data directory.
        tools: Starts them, and stops them at the end of the run.

    Returns:
        The value of TF_REATTACH_PROVIDERS, without providers that do not support `-debug`.
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
    """List the programs below `providers/HOST/NAMESPACE/TYPE/VERSION/PLATFORM`."""
    for folder in sorted((data_dir / "providers").glob("*/*/*/*/*")):
        host, namespace, kind = folder.parts[-5:-2]
        for program in sorted(folder.glob(f"terraform-provider-{kind}*"))[:1]:
            yield f"{host}/{namespace}/{kind}", program


def _announced(line: str) -> str:
    """Return the address in a line of a provider's output; "" when there is none."""
    found = _ANNOUNCED.search(line)
    return found.group(1) if found else ""
