"""The command line of the worker image."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from gradectl.local.loopback import free_ports
from grader.__main__ import main
from grader.settings import WorkerSettings, explain


def test_help_of_the_worker_explains_every_variable() -> None:
    """Name, meaning, and default or "required"; MQ_* depend on the transport."""
    text = CliRunner().invoke(main, ["worker", "--help"], terminal_width=200).stdout

    for name, default, meaning in explain(WorkerSettings):
        (line,) = re.findall(rf"^ +{name} .*(?:\n {{10,}}.*)*", text, re.MULTILINE)
        said = " ".join(line.split())
        assert meaning in said
        is_required = WorkerSettings.model_fields[name.lower()].is_required()
        assert said.endswith("[required]") == is_required
        assert not default or said.endswith(f"[default: {default}]")


def test_worker_without_variables_ends_with_78(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One line lists the missing ones."""
    for name, _, _ in explain(WorkerSettings):
        monkeypatch.delenv(name, raising=False)

    result = CliRunner().invoke(main, ["worker"])

    assert result.exit_code == 78


def test_health_without_a_worker_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """The exit code is 1, as Docker expects."""
    (port,) = free_ports(1)
    monkeypatch.setenv("HEALTH_PORT", str(port))

    result = CliRunner().invoke(main, ["health"])

    assert result.exit_code == 1
    assert "no answer" in result.stdout


def test_the_health_probe_loads_nothing_of_the_worker() -> None:
    """It runs beside busy jobs: loading the rest would cost a second of processor time."""
    code = "import sys; import grader.start; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )

    ours = {name for name in loaded.stdout.split() if name.startswith("grader")}
    assert ours == {"grader", "grader.start", "grader.worker", "grader.worker.probe"}
    assert not {"click", "boto3", "sqlalchemy", "urllib.request"} & set(loaded.stdout.split())


@pytest.mark.parametrize("port", ["", "x", "65536", "-1"])
def test_the_probe_names_a_wrong_port(port: str) -> None:
    """A wrong setting is 78, as in every other command."""
    code = "from grader.start import main; main()"
    command = [sys.executable, "-c", code, "health"]
    done = subprocess.run(
        command, env={"HEALTH_PORT": port}, check=False, capture_output=True, text=True
    )

    assert done.returncode == 78
    assert "HEALTH_PORT" in done.stderr


def test_wrong_log_format_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error precedes the log."""
    monkeypatch.setenv("LOG_FORMAT", "xml")

    result = CliRunner().invoke(main, ["worker"])

    assert result.exit_code == 78
    assert "LOG_FORMAT" in result.stderr


def test_languages_are_listed_without_a_sandbox(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The list goes to stdout, the reason for no tests to stderr; the exit code is 0."""
    monkeypatch.setenv("LAUNCHER_PATH", str(tmp_path / "launcher"))

    result = CliRunner().invoke(main, ["languages", "--output", "json"])

    assert result.exit_code == 0
    assert json.loads(result.stdout)["languages"][0]["name"] == "python"
    assert result.stderr.startswith("not tested: ")


def test_a_misspelt_list_of_languages_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker does the same at start."""
    monkeypatch.setenv("LANGUAGES", "cobol")

    result = CliRunner().invoke(main, ["languages"])

    assert result.exit_code == 78
    assert "LANGUAGES: unknown language 'cobol'" in result.stderr


def test_version_is_printed() -> None:
    """Only the number."""
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*\n", CliRunner().invoke(main, ["version"]).stdout)


@pytest.mark.parametrize(
    "words",
    [[], ["wroker"], ["--wrong"], ["worker", "--wrong"], ["languages", "--output", "xml"]],
    ids=" ".join,
)
def test_usage_errors_end_with_64(words: list[str]) -> None:
    """As in gradectl, where 2 has another meaning."""
    result = CliRunner().invoke(main, words)

    assert result.exit_code == 64
    assert "Usage:" in result.stderr


@pytest.mark.parametrize("words", [["--help"], ["worker", "--help"]])
def test_help_succeeds(words: list[str]) -> None:
    """Help goes to stdout."""
    result = CliRunner().invoke(main, words)

    assert (result.exit_code, result.stderr) == (0, "")
