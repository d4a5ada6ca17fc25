"""A small project, and the context of its checks."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from gradectl.validation.findings import Finding
from gradectl.validation.model import Check, CheckContext
from gradectl.validation.session import open_context


@pytest.fixture
def fake_provider(tmp_path: Path) -> dict[str, str]:
    """A mirror with a provider, example/x, that can be installed but does not start."""
    name = "registry.terraform.io/example/x/1.0.0"
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)
    place = tmp_path / "mirror" / name / f"{os.uname().sysname.lower()}_{machine}"
    place.mkdir(parents=True)
    program = place / "terraform-provider-x_v1.0.0"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    return {"GRADECTL_PLUGIN_DIR": str(tmp_path / "mirror")}


@pytest.fixture
def make_context(tmp_path: Path) -> Iterator[Callable[..., CheckContext]]:
    """Write files, and open a project on them."""
    with ExitStack() as stack:

        def make(files: Mapping[str, str], **variables: str) -> CheckContext:
            top = tmp_path / "project"
            for name, text in files.items():
                path = top / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            environ = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache"), **variables}
            return stack.enter_context(open_context(top, environ, top))

        yield make


@pytest.fixture
def look() -> Callable[[Check, CheckContext], list[Finding]]:
    """Run all jobs of a check and return the findings."""

    def run(check: Check, context: CheckContext) -> list[Finding]:
        check.require(context)
        return [finding for job in check.jobs(context) for finding in job.run()]

    return run
