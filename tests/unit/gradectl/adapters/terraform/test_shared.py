"""Providers are started once, and their address is shared."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gradectl.adapters.terraform.shared import serve_providers
from gradectl.processes.tools import Tools

FOLDER = "providers/registry.example.com/team/thing/1.2.3/linux_amd64"
#: What a provider says when it is started for developers, and one that knows no such thing.
SERVES = """#!/bin/sh
echo "Provider started. Set:"
echo "	TF_REATTACH_PROVIDERS='{\\"team/thing\\":{\\"Pid\\":$$,\\"Arguments\\":\\"$*\\"}}'"
exec sleep 1000
"""
REFUSES = "#!/bin/sh\necho 'flag provided but not defined: -debug' >&2\nexit 2\n"


@pytest.fixture
def tools() -> Iterator[Tools]:
    """Programs that are stopped with the test."""
    found = Tools(os.environ)
    yield found
    found.stop()


def install(data_dir: Path, script: str, folder: str = FOLDER) -> None:
    """Install a provider as `terraform init` does."""
    kind = folder.split("/")[3]
    path = data_dir / folder / f"terraform-provider-{kind}_v1.2.3_x5"
    path.parent.mkdir(parents=True)
    path.write_text(script)
    path.chmod(0o755)


def test_a_provider_is_addressed_by_its_folder(tools: Tools, tmp_path: Path) -> None:
    """Its own output may omit the registry."""
    install(tmp_path, SERVES)

    served = json.loads(serve_providers(tmp_path, tools))

    assert list(served) == ["registry.example.com/team/thing"]
    assert served["registry.example.com/team/thing"]["Arguments"] == "-debug"


def test_a_provider_that_cannot_be_shared_is_skipped(tools: Tools, tmp_path: Path) -> None:
    """Terraform starts it itself; the others are still shared."""
    install(tmp_path, REFUSES)
    install(tmp_path, SERVES, FOLDER.replace("thing", "other"))

    served = json.loads(serve_providers(tmp_path, tools))

    assert list(served) == ["registry.example.com/team/other"]


def test_without_a_provider_there_is_nothing_to_share(tools: Tools, tmp_path: Path) -> None:
    """Built-in resources need no provider."""
    assert json.loads(serve_providers(tmp_path, tools)) == {}
