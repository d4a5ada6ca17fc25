"""The command line as a contract: what help imports, what each command offers, how it ends."""

from __future__ import annotations

import inspect
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

from gradectl import __version__
from gradectl.cli import COMMANDS, gradectl, main

#: All that `gradectl --help` may import besides the standard library.
LIGHT = {"click", "gradectl", "grader"}
HEAVY_STANDARD = {"asyncio", "http", "ssl", "unittest", "xml", "email"}
ROOT = click.Context(gradectl, info_name="gradectl")


def walk(
    command: click.Command, context: click.Context, path: str
) -> Iterator[tuple[str, click.Command]]:
    """All commands that do something, with the words that call them."""
    if not isinstance(command, click.Group):
        yield path, command
        return
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found
        yield from walk(found, context, f"{path} {name}")


LEAVES = dict(walk(gradectl, ROOT, "gradectl"))


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Give the signal handlers back that `main` takes over."""
    numbers = (signal.SIGTERM, signal.SIGHUP, signal.SIGALRM)
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_help_imports_only_what_it_needs() -> None:
    """No vendor library is paid for by somebody who only wants to read the help."""
    script = (
        "import json, sys; from gradectl.cli import main; main(['--help']);"
        "print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    tops = {name.partition(".")[0] for name in json.loads(run.stderr)}
    ours = {name for name in tops - set(sys.stdlib_module_names) if "editable" not in name}
    assert ours - {"__main__", "_virtualenv", "_distutils_hack", "sitecustomize"} <= LIGHT
    assert not tops & HEAVY_STANDARD


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_each_says_itself(name: str) -> None:
    """The line is written twice, so that help needs no import; this keeps both alike."""
    command = gradectl.get_command(ROOT, name)

    assert command
    assert inspect.cleandoc(command.help or "").split("\n", maxsplit=1)[0] == COMMANDS[name]


@pytest.mark.parametrize("path", LEAVES)
def test_each_command_shows_an_example(path: str) -> None:
    """One line that can be copied."""
    epilog = LEAVES[path].epilog or ""

    assert epilog.startswith(f"Example: {path}")


@pytest.mark.parametrize("path", LEAVES)
def test_each_command_takes_the_global_options(path: str) -> None:
    """JSON can be had from each, and the options may stand on either side of its name."""
    flags = {flag for param in LEAVES[path].params for flag in param.opts}

    assert {"--output", "--no-input", "--yes", "--dry-run", "--timeout"} <= flags
    assert {"--profile", "--region", "--endpoint-url", "--project"} <= flags


@pytest.mark.parametrize("path", LEAVES)
def test_each_option_and_argument_says_what_it_is_for(path: str) -> None:
    """One without help is one that nobody can use."""
    context = click.Context(LEAVES[path], info_name=path)
    records = [param.get_help_record(context) for param in LEAVES[path].params]

    assert not [record for record in records if record and not record[1]]


@pytest.mark.parametrize(
    "words", [["nonsense"], ["plan"], ["plan", "dev", "--nonsense"], ["version", "-o", "xml"]]
)
def test_a_line_that_makes_no_sense_ends_with_64(
    capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    """2 means changes here; click's own code would be taken for them."""
    assert main(words) == 64
    assert "next:    gradectl" in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], ["queue"], ["local"]])
def test_a_line_that_lacks_its_command_is_answered_with_the_help(
    capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    """It is no mistake that needs an explanation, but a script must not take it for success."""
    assert main(words) == 64

    captured = capsys.readouterr()
    assert captured.err.startswith(" ".join(["Usage: gradectl", *words]))
    assert captured.out == ""


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["aply", "dev"], "'apply'"),
        (["queue", "lst"], "'list'"),
        (["plan", "dev", "--detailed-exit"], "'--detailed-exitcode'"),
    ],
)
def test_a_misspelt_word_is_answered_with_the_near_one(
    capsys: pytest.CaptureFixture[str], words: list[str], meant: str
) -> None:
    """Also where the commands are not imported yet."""
    assert main(words) == 64
    assert f"Did you mean {meant}?" in capsys.readouterr().err


def test_the_version_is_where_people_look_for_it(capsys: pytest.CaptureFixture[str]) -> None:
    """`--version` is the first thing that a bug report asks for."""
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"gradectl {__version__}\n"


@pytest.mark.parametrize(
    "words", [["-o", "json", "version"], ["version", "-o", "json"], ["version", "--output", "json"]]
)
def test_global_options_stand_on_either_side(
    capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    """Nobody has to remember where."""
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out)["kind"] == "version"


def test_the_option_nearest_to_the_command_wins(capsys: pytest.CaptureFixture[str]) -> None:
    """An alias may hold defaults in front."""
    assert main(["-o", "yaml", "version", "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out)


def test_a_variable_sets_what_no_flag_sets(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flag wins over GRADECTL_*, which wins over the default."""
    monkeypatch.setenv("GRADECTL_OUTPUT", "json")

    assert main(["version"]) == 0
    assert json.loads(capsys.readouterr().out)
    assert main(["version", "-o", "yaml"]) == 0
    assert capsys.readouterr().out.startswith("schema_version: 1")


def test_an_error_says_what_where_and_next(
    capsys: pytest.CaptureFixture[str], tmp_path: object
) -> None:
    """One block, on stderr, and nothing on stdout."""
    assert main(["render", "dev", "--project", str(tmp_path)]) == 78

    captured = capsys.readouterr()
    assert captured.out == ""
    assert [line.split(":")[0] for line in captured.err.splitlines()] == ["error", "where", "next"]


def test_yes_cannot_be_left_in_the_environment() -> None:
    """An answer given in advance for all commands is an accident in waiting."""
    variables = {param.name: getattr(param, "envvar", None) for param in gradectl.params}

    assert variables["yes"] is None
    assert variables["region"] == "GRADECTL_REGION"


def test_a_reader_that_leaves_is_no_traceback() -> None:
    """`gradectl ... | head -1` is everyday use."""
    reading, writing = os.pipe()
    os.close(reading)
    run = subprocess.run(
        [sys.executable, "-m", "gradectl.cli", "version", "-o", "json"],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)

    assert run.stderr == ""
    assert run.returncode == 1
