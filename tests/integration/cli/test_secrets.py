"""Secrets of an environment: listed, checked, stored and shown; a planted one appears nowhere."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any
from zipfile import ZipFile, is_zipfile

import psutil
import pytest

from gradectl.adapters.terraform.shared import REATTACH

pytestmark = pytest.mark.engine

SENTINEL = "Sentinel-4be1d07c93fa"
GIVEN = "Sentinel-8f3a61c2d94b"
PLAIN = ("mq/broker-endpoint", "mq/username", "db/endpoint", "db/name", "db/username")
ROLES = ("operator", "web", "worker")
#: Commands of Terraform that need the passwords, and so does what they start.
NEED_SECRETS = {"plan", "apply"}


def write(project: Any, name: str, value: str, kind: str = "String") -> None:
    """Write a parameter, as Terraform does."""
    full = f"/{project.name}/{name}"
    project.client("ssm").put_parameter(Name=full, Value=value, Type=kind, Overwrite=True)


def value(project: Any, name: str) -> str:
    """Read a parameter."""
    answer = project.client("ssm").get_parameter(
        Name=f"/{project.name}/{name}", WithDecryption=True
    )
    return str(answer["Parameter"]["Value"])


@pytest.fixture(name="applied")
def _applied(project: Any) -> Any:
    """An environment with all plain parameters and no secret."""
    users = ("db-app/username", *(f"mq-{role}/username" for role in ROLES))
    for name in (*PLAIN, *users):
        write(project, name, name)
    return project


def test_secrets_are_checked_stored_and_shown(applied: Any, published: Any, tmp_path: Path) -> None:
    """From missing ones to a complete environment; existing ones are not replaced."""
    name = applied.name
    missing = applied.run("secrets", "check", name, "-o", "json")
    assert missing.returncode == 4
    problems = {
        each["name"]: each["problem"]
        for each in published(missing.stdout)["parameters"]
        if each["problem"]
    }
    assert set(problems.values()) == {"missing"}
    assert len(problems) == 6
    assert f"gradectl secrets seed {name} --generate" in missing.stderr

    file = tmp_path / "value"
    file.write_text(SENTINEL + "\n")
    file.chmod(0o600)
    stored = applied.run("secrets", "seed", name, "mq-web", "--file", str(file), "-o", "json")
    assert stored.returncode == 0, stored.stderr
    assert published(stored.stdout)["stored"] == [
        {"name": f"/{name}/mq-web/password", "version": 1, "created": True}
    ]
    assert value(applied, "mq-web/password") == SENTINEL
    refused = applied.run("secrets", "seed", name, "mq-web", "--generate")
    assert (refused.returncode, "--overwrite" in refused.stderr) == (5, True)

    others = applied.run("secrets", "seed", name, "--generate", "-o", "json")
    assert len(published(others.stdout)["stored"]) == 5
    assert value(applied, "mq-web/password") == SENTINEL
    checked = applied.run("secrets", "check", name)
    assert checked.returncode == 0, checked.stderr

    hidden = applied.run("secrets", "show", name, "mq-web")
    shown = applied.run("secrets", "show", name, "mq-web", "--reveal")
    assert (hidden.returncode, hidden.stdout) == (5, "")
    assert shown.stdout == SENTINEL + "\n"
    outputs = [missing, stored, refused, others, checked, hidden]
    assert SENTINEL not in "".join(each.stdout + each.stderr for each in outputs)


def test_a_secret_that_is_not_encrypted_is_found(applied: Any, published: Any) -> None:
    """Everyone who may list parameters could read it."""
    write(applied, "mq/password", SENTINEL)

    done = applied.run("secrets", "list", applied.name, "-o", "json")

    (found,) = (
        each
        for each in published(done.stdout)["parameters"]
        if each["name"] == f"/{applied.name}/mq/password"
    )
    assert (found["type"], "not a SecureString" in found["problem"]) == ("String", True)
    assert SENTINEL not in done.stdout + done.stderr


def test_a_dry_run_and_a_missing_terminal_store_nothing(applied: Any) -> None:
    """A value cannot be an argument, and no question waits without an end."""
    dry = applied.run("secrets", "seed", applied.name, "--generate", "--dry-run")
    asked = applied.run_process("secrets", "seed", applied.name, "mq")
    several = applied.run("secrets", "seed", applied.name, "mq", "db", "--stdin")

    assert (dry.returncode, asked.returncode, several.returncode) == (0, 5, 64)
    assert "would write" in dry.stderr
    names = [f"/{applied.name}/{part}/password" for part in ("mq", "db", "mq-web")]
    assert applied.client("ssm").get_parameters(Names=names)["Parameters"] == []


class Watch:
    """Looks at the processes that a command starts, for secrets."""

    def __init__(self) -> None:
        self.command_lines: set[str] = set()
        self.environments: set[str] = set()

    def until_the_end(self, process: subprocess.Popen[str]) -> None:
        """Look at the process and its descendants until it ends."""
        while process.poll() is None:
            try:
                root = psutil.Process(process.pid)
                for each in (root, *root.children(recursive=True)):
                    self._look_at(each)
                process.wait(timeout=0.1)
            except (psutil.Error, subprocess.TimeoutExpired):
                continue

    def _look_at(self, process: psutil.Process) -> None:
        words = process.cmdline()
        self.command_lines.add(" ".join(words))
        if SENTINEL in " ".join(process.environ().values()):
            # Its own words are not read again: a process that has just ended has none.
            lineage = [words, *(each.cmdline() for each in process.parents())]
            if not any(NEED_SECRETS & set(each[1:3]) for each in lineage):
                self.environments.add(" ".join(words))


def test_a_planted_secret_appears_nowhere(project: Any, tmp_path: Path) -> None:
    """
    In no command line, state, plan, report, log, file or output of any command.

    One comes from a variable of the user, whose processes all inherit it; one from SSM, which
    only those get that need it.
    """
    project.configure(variables={"broker_roles": ["web", "worker"], "pause_seconds": 5})
    write(project, "mq/broker-endpoint", "stomp+ssl://broker.example.com:61614")
    summary, watch, said = tmp_path / "summary.md", Watch(), ""
    name = project.name
    value_file = tmp_path / "value"
    value_file.write_text(SENTINEL)
    value_file.chmod(0o600)
    given = {
        "TF_VAR_mq_admin_password": GIVEN,
        "TF_VAR_mq_user_passwords": json.dumps({"web": GIVEN}),
    }

    def run(*arguments: str, code: int = 0, **environ: str) -> None:
        nonlocal said
        process = project.start(*arguments, GITHUB_STEP_SUMMARY=str(summary), **environ)
        watch.until_the_end(process)
        stdout, stderr = process.communicate()
        assert process.returncode == code, stderr
        said += stdout + stderr

    run("apply", name, "--yes", "-o", "json", **given, **{REATTACH: ""})  # with its own provider
    assert value(project, "mq/password") == value(project, "mq-web/password") == GIVEN
    run("secrets", "seed", name, "mq-worker", "--file", str(value_file), "--overwrite", "--yes")
    assert value(project, "mq-worker/password") == SENTINEL
    run("plan", name, "--out", "reviewed.json", "-o", "json", **given)
    project.configure(variables={"broker_roles": ["web", "worker"], "greeting": "good day"})
    run("apply", name, "--yes", "-o", "json")
    run("secrets", "list", name)
    run("secrets", "check", name, "-o", "json", code=4)  # this root has no database
    run("secrets", "show", name, "mq-worker", code=5)

    files = [each for each in project.root.rglob("*") if each.is_file() and not each.is_symlink()]
    content = [path.read_bytes() for path in (*files, summary) if path.stat().st_size < 5_000_000]
    archives = [ZipFile(path) for path in files if is_zipfile(path)]
    content += [each.read(item) for each in archives for item in each.namelist()]
    for words in (" apply ", "terraform-provider-aws", "sleep 5"):
        assert any(words in line for line in watch.command_lines)
    assert watch.environments == set()
    for secret in (SENTINEL, GIVEN):
        assert not [line for line in watch.command_lines if secret in line]
        assert secret not in said
        assert secret not in project.state()
        assert not [each for each in content if secret.encode() in each]
    assert json.loads((project.root / "reviewed.json").read_text())["environment"] == name
