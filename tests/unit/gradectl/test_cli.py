"""The command line contract: imports of the help, options of each command, exit codes."""

from __future__ import annotations

import inspect
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from gradectl import __version__
from gradectl.cli import COMMANDS, _handle_signals, gradectl, main

REPOSITORY = Path(__file__).resolve().parents[3]
#: All that `gradectl --help` may import besides the standard library.
LIGHT = {"click", "gradectl", "grader"}
HEAVY_STANDARD = {"asyncio", "http", "ssl", "unittest", "xml", "email"}
ROOT = click.Context(gradectl, info_name="gradectl")


def walk(
    command: click.Command, context: click.Context, path: str
) -> Iterator[tuple[str, click.Command]]:
    """All commands that are not groups, with their command lines."""
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
    """Restore the signal handlers that `main` replaces."""
    numbers = (signal.SIGTERM, signal.SIGHUP, signal.SIGALRM)
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_help_imports_no_vendor_library() -> None:
    """Reading the help loads no vendor library."""
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
def test_the_list_of_commands_matches_their_docstrings(name: str) -> None:
    """The line exists twice, so that the help needs no import; both must be equal."""
    command = gradectl.get_command(ROOT, name)

    assert command
    assert inspect.cleandoc(command.help or "").split("\n", maxsplit=1)[0] == COMMANDS[name]


@pytest.mark.parametrize("path", LEAVES)
def test_each_command_shows_an_example(path: str) -> None:
    """It can be copied as it is."""
    epilog = LEAVES[path].epilog or ""

    assert epilog.startswith(f"Example: {path}")


@pytest.mark.parametrize("path", LEAVES)
def test_each_command_takes_the_global_options(path: str) -> None:
    """Every command has JSON output and takes the options on both sides of its name."""
    flags = {flag for param in LEAVES[path].params for flag in param.opts}

    assert {"--output", "--no-input", "--yes", "--dry-run", "--timeout"} <= flags
    assert {"--profile", "--region", "--endpoint-url", "--project"} <= flags


@pytest.mark.parametrize("path", LEAVES)
def test_each_option_and_argument_has_a_help_text(path: str) -> None:
    """Options without help text are of no use."""
    context = click.Context(LEAVES[path], info_name=path)
    records = [param.get_help_record(context) for param in LEAVES[path].params]

    assert not [record for record in records if record and not record[1]]


@pytest.mark.parametrize(
    "words", [["nonsense"], ["plan"], ["plan", "dev", "--nonsense"], ["version", "-o", "xml"]]
)
def test_an_invalid_command_line_exits_with_64(
    capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    """Click's own exit code 2 means changes here."""
    assert main(words) == 64
    assert "next:    gradectl" in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], ["queue"], ["local"]])
def test_a_command_line_without_a_command_prints_the_help(
    capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    """It needs no explanation, but a script must not read it as success."""
    assert main(words) == 64

    captured = capsys.readouterr()
    assert captured.err.startswith(" ".join(["Usage: gradectl", *words]))
    assert captured.out == ""


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["rendr", "dev"], "'render'"),
        (["queue", "lst"], "'list'"),
        (["plan", "dev", "--detailed-exit"], "'--detailed-exitcode'"),
    ],
)
def test_a_misspelt_word_gets_a_suggestion(
    capsys: pytest.CaptureFixture[str], words: list[str], meant: str
) -> None:
    """Also for commands that are not imported yet."""
    assert main(words) == 64
    assert f"Did you mean {meant}?" in capsys.readouterr().err


def test_version_is_also_an_option(capsys: pytest.CaptureFixture[str]) -> None:
    """Bug reports ask for `--version` first."""
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"gradectl {__version__}\n"


@pytest.mark.parametrize(
    "words", [["-o", "json", "version"], ["version", "-o", "json"], ["version", "--output", "json"]]
)
def test_global_options_work_on_either_side_of_the_command(
    capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    """Users need not remember the position."""
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out)["kind"] == "version"


def test_the_option_nearest_to_the_command_wins(capsys: pytest.CaptureFixture[str]) -> None:
    """An alias may set defaults in front."""
    assert main(["-o", "yaml", "version", "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out)


def test_a_variable_is_used_without_a_flag(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flag overrides GRADECTL_*, which overrides the default."""
    monkeypatch.setenv("GRADECTL_OUTPUT", "json")

    assert main(["version"]) == 0
    assert json.loads(capsys.readouterr().out)
    for words in (["version", "-o", "yaml"], ["-o", "yaml", "version"]):
        assert main(words) == 0
        assert capsys.readouterr().out.startswith("schema_version: 1")


def test_an_error_has_what_where_and_next(
    capsys: pytest.CaptureFixture[str], tmp_path: object
) -> None:
    """One block, on stderr, and nothing on stdout."""
    assert main(["render", "dev", "--project", str(tmp_path)]) == 78

    captured = capsys.readouterr()
    assert captured.out == ""
    assert [line.split(":")[0] for line in captured.err.splitlines()] == ["error", "where", "next"]


def test_yes_has_no_variable() -> None:
    """A variable would answer yes for all later commands."""
    variables = {param.name: getattr(param, "envvar", None) for param in gradectl.params}

    assert variables["yes"] is None
    assert variables["region"] == "GRADECTL_REGION"


#: What click writes by itself, and what a command writes.
OUTPUTS = [["--help"], ["version", "-o", "json"]]


def run_with(arguments: list[str], **streams: Any) -> subprocess.CompletedProcess[str]:
    """Run gradectl with streams of its own; those that are not given are read."""
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
    command = [sys.executable, "-m", "gradectl.cli", *arguments]
    return subprocess.run(command, text=True, check=False, **streams)


@pytest.mark.parametrize("arguments", OUTPUTS, ids=" ".join)
def test_a_reader_that_has_gone_ends_a_command_as_sigpipe_does(arguments: list[str]) -> None:
    """`gradectl ... | head -1` prints no error, and its exit code is that of a shell."""
    reading, writing = os.pipe()
    os.close(reading)

    run = run_with(arguments, stdout=writing)

    os.close(writing)
    assert run.stderr == ""
    assert run.returncode == 141


@pytest.mark.parametrize("arguments", OUTPUTS, ids=" ".join)
def test_a_full_disk_is_an_error_with_a_code_of_its_own(arguments: list[str]) -> None:
    """The data of the command is lost, so it has not succeeded."""
    with Path("/dev/full").open("w") as full:
        run = run_with(arguments, stdout=full)

    assert run.returncode == 74
    assert run.stderr.startswith("error:   the output cannot be written: No space left on device")
    assert "Traceback" not in run.stderr


@pytest.fixture
def outdated(tmp_path: Path) -> Path:
    """A project whose environment is not yet rendered."""
    folder = tmp_path / "environments" / "dev"
    folder.mkdir(parents=True)
    for path in (REPOSITORY / "environments").glob("variables*.tf"):
        shutil.copy(path, folder.parent)
    shutil.copytree(REPOSITORY / "templates", tmp_path / "templates")
    shutil.copy(REPOSITORY / "environments" / "dev" / "environment.yaml", folder)
    return tmp_path


#: Shell commands that prepare the file system of a command; the first word is the project.
READ_ONLY = 'mount --bind "$0" "$0"; mount -o remount,ro,bind "$0"; exec "$@"'
FULL = """
folder="$0/environments/dev"
cp "$folder/environment.yaml" "$0/kept"
mount -t tmpfs -o size=8k none "$folder"
cp "$0/kept" "$folder/environment.yaml"
dd if=/dev/zero of="$folder/ballast" bs=4k 2> /dev/null || true
exec "$@"
"""


@pytest.mark.engine
@pytest.mark.parametrize(
    ("prepare", "command", "what", "next_step"),
    [
        (READ_ONLY, "render dev", "read-only file system", "use a checkout that you may write"),
        (
            READ_ONLY,
            "init new --account-id 123456789012 --region eu-west-1",
            "read-only file system",
            "use a checkout that you may write",
        ),
        (FULL, "render dev", "no space left on device", "free space"),
    ],
    ids=["read-only", "read-only-new", "full"],
)
def test_a_file_that_cannot_be_written_is_an_error_without_a_traceback(
    outdated: Path, prepare: str, command: str, what: str, next_step: str
) -> None:
    """Also for root, whom the rights of a folder do not stop."""
    words = [sys.executable, "-m", "gradectl.cli", *command.split(), "--project", str(outdated)]
    run = subprocess.run(
        ["unshare", "--mount", "sh", "-ec", prepare, str(outdated), *words],
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 74, run.stderr
    assert f"error:   {what}\n" in run.stderr
    assert f"next:    {next_step}" in run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize("closed", [1, 2])
def test_a_closed_stream_is_silent(closed: int) -> None:
    """`gradectl ... >&-` asks for no output."""
    run = run_with(["version"], preexec_fn=lambda: os.close(closed))

    assert (run.returncode, run.stderr) == (0, "")


def test_messages_that_cannot_be_written_change_no_exit_code() -> None:
    """There is nowhere left to report them."""
    with Path("/dev/full").open("w") as full:
        assert run_with(["no-such-command"], stderr=full).returncode == 64


def test_an_error_that_python_drops_in_a_destructor_still_ends_the_command() -> None:
    """The garbage collector may run one at any moment, also when the --timeout expires."""
    script = """
import sys, threading, types
from gradectl.cli import COMMANDS, main
from gradectl.errors import DeadlineError
from gradectl.options import command

class Dropping:
    def __del__(self):
        raise DeadlineError("the --timeout expired")

@command("loop")
def loop():
    Dropping()
    threading.Event().wait(60)

COMMANDS["loop"] = ""
sys.modules["gradectl.commands.loop"] = types.SimpleNamespace(loop=loop)
sys.exit(main(["loop"]))
"""

    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )

    assert ended.returncode == 124
    assert "the --timeout expired" in ended.stderr
    assert "Dropping" not in ended.stderr


def test_a_signal_that_interrupts_no_call_still_ends_a_command() -> None:
    """Such as one just before the main thread begins to wait; here another thread gets it."""
    script = """
import signal, sys, threading, types
from gradectl.cli import COMMANDS, main
from gradectl.options import command

@command("wait")
def wait():
    arrived = lambda: signal.pthread_kill(threading.get_ident(), signal.SIGINT)
    threading.Timer(0.1, arrived).start()
    threading.Event().wait()

COMMANDS["wait"] = ""
sys.modules["gradectl.commands.wait"] = types.SimpleNamespace(wait=wait)
sys.exit(main(["wait"]))
"""

    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )

    assert ended.returncode == 130


def test_a_signal_in_the_last_instants_prints_no_traceback() -> None:
    """Here it comes while the prompt handling of signals ends, after the command."""
    script = """
import signal, sys
from gradectl.cli import main

restore = signal.set_wakeup_fd

def late(descriptor, **options):
    if descriptor == -1:
        signal.raise_signal(signal.SIGINT)
    return restore(descriptor, **options)

signal.set_wakeup_fd = late
sys.exit(main(["version"]))
"""

    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )

    assert ended.returncode == 130
    assert "Traceback" not in ended.stderr


def test_a_nudge_has_a_higher_number_than_the_signals_that_end_a_command() -> None:
    """Python handles signals in the order of their numbers; `prompt_signals` needs it last."""
    before = _handle_signals()
    for number, handler in before.items():
        signal.signal(number, handler)

    assert max(before) < signal.SIGURG
