"""Terraform's answers to checks are read as it gives them."""

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
    """Something that answers as a script says, in place of Terraform."""

    def make(script: str) -> tuple[CheckingTerraform, ReadyFolder]:
        program = tmp_path / "terraform"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        binary = Binary((str(program),), "1.11.4")
        place = ReadyFolder(tmp_path, tmp_path / "data", {})
        environ = {**os.environ, "TF_PLUGIN_CACHE_DIR": str(tmp_path / "cache")}
        return CheckingTerraform(binary, Tools(environ)), place

    return make


def test_nothing_of_the_users_own_reaches_terraform(tmp_path: Path) -> None:
    """Neither credentials nor values nor arguments; and nobody is asked for more of them."""
    given = {"AWS_PROFILE": "p", "TF_VAR_x": "1", "TF_CLI_ARGS_plan": "-x", "TF_WORKSPACE": "w"}

    found = check_environment({**given, "PATH": "/bin", "TF_TOKEN_host": "t"}, tmp_path)

    assert not given.keys() & found.keys()
    assert (found["PATH"], found["TF_TOKEN_host"]) == ("/bin", "t")
    assert found["AWS_ENDPOINT_URL"].startswith("http://127.0.0.1:")
    assert found["TMPDIR"] == str(tmp_path)


def test_the_setting_of_gos_memory_is_the_users_where_there_is_one(tmp_path: Path) -> None:
    """A small machine may need the room."""
    assert check_environment({}, tmp_path)["GOGC"] == "400"
    assert check_environment({"GOGC": "100"}, tmp_path)["GOGC"] == "100"


def test_an_init_that_fails_without_a_diagnostic_is_one_all_the_same(stand: Stand) -> None:
    """A crash speaks in no form."""
    terraform, place = stand("echo 'panic: out of luck'; exit 11")

    (found,) = terraform.init(place, locked=True)

    assert (found.severity, found.summary) == ("error", "panic: out of luck")


@pytest.mark.parametrize("command", ["validate", "test", "console"])
def test_an_answer_that_cannot_be_read_is_an_error(
    stand: Stand, command: str, tmp_path: Path
) -> None:
    """It has not said that everything is right."""
    terraform, place = stand("echo 'Error: no such luck' >&2; exit 0")
    calls: dict[str, Callable[[], object]] = {
        "validate": lambda: terraform.validate(place),
        "test": lambda: terraform.test(place, []),
        "console": lambda: terraform.console(place, "1", tmp_path / "x.tfvars"),
    }

    with pytest.raises(GradectlError, match="no such luck"):
        calls[command]()


def test_the_files_to_test_are_the_only_ones(stand: Stand) -> None:
    """A file that mocks nothing must not run by accident."""
    line = '{"type": "test_summary", "test_summary": {"passed": 2}}'
    terraform, place = stand(f"case \"$*\" in *-filter=a.hcl*) echo '{line}';; esac")

    assert terraform.test(place, ["a.hcl"]).passed == 2


def test_one_init_at_a_time_works_on_the_plugin_cache(stand: Stand, tmp_path: Path) -> None:
    """Terraform itself does not keep two apart, also not those of two processes."""
    terraform, place = stand(f"echo '{{}}'; touch {tmp_path}/done")
    (tmp_path / "cache").mkdir()
    worker = threading.Thread(target=terraform.init, args=(place,), kwargs={"locked": True})
    with (tmp_path / "cache" / ".gradectl.lock").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        worker.start()
        assert not (tmp_path / "done").exists()
    worker.join(SECONDS)

    assert (tmp_path / "done").exists()
