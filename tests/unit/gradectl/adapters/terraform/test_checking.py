"""Results of the checking commands are parsed."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from gradectl.adapters.terraform.checking import CheckingTerraform, ReadyFolder, check_environment
from gradectl.adapters.terraform.locate import Binary
from gradectl.errors import GradectlError
from gradectl.processes.tools import Tools

SECONDS = 60  # a limit for a hung test
Stand = Callable[[str], tuple[CheckingTerraform, ReadyFolder]]


@pytest.fixture
def stand(tmp_path: Path) -> Stand:
    """A fake Terraform: a shell script."""

    def make(script: str) -> tuple[CheckingTerraform, ReadyFolder]:
        program = tmp_path / "terraform"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        binary = Binary((str(program),), "1.11.4")
        place = ReadyFolder(tmp_path, tmp_path / "data", {})
        environ = {**os.environ, "TF_PLUGIN_CACHE_DIR": str(tmp_path / "cache")}
        return CheckingTerraform(binary, Tools(environ)), place

    return make


def test_the_users_settings_do_not_reach_terraform(tmp_path: Path) -> None:
    """No credentials, variables or arguments; and Terraform does not ask for input."""
    given = {"AWS_PROFILE": "p", "TF_VAR_x": "1", "TF_CLI_ARGS_plan": "-x", "TF_WORKSPACE": "w"}

    found = check_environment({**given, "PATH": "/bin", "TF_TOKEN_host": "t"}, tmp_path)

    assert not given.keys() & found.keys()
    assert (found["PATH"], found["TF_TOKEN_host"]) == ("/bin", "t")
    assert found["AWS_ENDPOINT_URL"].startswith("http://127.0.0.1:")
    assert found["TMPDIR"] == str(tmp_path)


def test_a_failed_init_without_a_diagnostic_gets_one(stand: Stand) -> None:
    """A crash has no JSON output."""
    terraform, place = stand("echo 'panic: out of luck'; exit 11")

    (found,) = terraform.init(place, locked=True)

    assert (found.severity, found.summary) == ("error", "panic: out of luck")


@pytest.mark.parametrize("command", ["validate", "test", "console"])
def test_unreadable_output_is_an_error(stand: Stand, command: str, tmp_path: Path) -> None:
    """An unreadable result is not a success."""
    terraform, place = stand("echo 'Error: no such luck' >&2; exit 0")
    calls: dict[str, Callable[[], object]] = {
        "validate": lambda: terraform.validate(place),
        "test": lambda: terraform.test(place, []),
        "console": lambda: terraform.console(place, "1", tmp_path / "x.tfvars"),
    }

    with pytest.raises(GradectlError, match="no such luck"):
        calls[command]()


def test_the_files_to_test_are_the_only_ones(stand: Stand) -> None:
    """Files without mocks must not run."""
    line = '{"type": "test_summary", "test_summary": {"passed": 2}}'
    terraform, place = stand(f"case \"$*\" in *-filter=a.hcl*) echo '{line}';; esac")

    assert terraform.test(place, ["a.hcl"]).passed == 2


def test_only_one_init_uses_the_plugin_cache(stand: Stand, tmp_path: Path) -> None:
    """Terraform does not lock it, neither between threads nor processes."""
    terraform, place = stand(f"echo '{{}}'; touch {tmp_path}/done")
    (tmp_path / "cache").mkdir()
    worker = threading.Thread(target=terraform.init, args=(place,), kwargs={"locked": True})
    with (tmp_path / "cache" / ".gradectl.lock").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        worker.start()
        assert not (tmp_path / "done").exists()
    worker.join(SECONDS)

    assert (tmp_path / "done").exists()
