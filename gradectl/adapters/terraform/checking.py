"""The Terraform commands that look at files, and never at an account."""

from __future__ import annotations

import fcntl
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gradectl.adapters.terraform.events import Diagnostic, diagnostic, parse
from gradectl.adapters.terraform.locate import Binary
from gradectl.errors import GradectlError
from gradectl.processes.tools import Done, Tools

_CACHE = "TF_PLUGIN_CACHE_DIR"
_OURS = ("AWS_", "TF_VAR_", "TF_CLI_ARGS", "TF_DATA_DIR", "TF_WORKSPACE", "TF_REATTACH_PROVIDERS")
#: A request to AWS that nobody meant to make goes nowhere.
_NOWHERE = "http://127.0.0.1:9"
_NOT_READ = 2  # what `fmt` ends with
#: Lines of an error that show the source again.
_QUOTED = re.compile(r"on \S+ line \d+|\d+: ")
_LINE = re.compile(r"\bline (\d+)")


def check_environment(environ: Mapping[str, str], temporary: Path) -> dict[str, str]:
    """
    Give Terraform its surroundings, with none of the user's credentials and variables.

    Args:
        environ: The process environment.
        temporary: Where sockets and other leftovers go.
    """
    kept = {name: value for name, value in environ.items() if not name.startswith(_OURS)}
    return {
        **kept,
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": _NOWHERE,
        "AWS_REGION": "us-east-1",
        "AWS_SECRET_ACCESS_KEY": "none",
        "CHECKPOINT_DISABLE": "1",
        # Reading the AWS provider's schema fills memory faster than anything needs it back: a
        # collector that waits longer saves a quarter of the time, for 450 MB instead of 240.
        "GOGC": environ.get("GOGC", "400"),
        "TF_IN_AUTOMATION": "1",
        "TF_INPUT": "0",
        "TMPDIR": str(temporary),
    }


@dataclass(frozen=True)
class Tested:
    """What `terraform test` said: how many runs passed, and what was wrong with the others."""

    passed: int
    diagnostics: tuple[Diagnostic, ...]


@dataclass(frozen=True)
class Formatted:
    """A text in its canonical form, or where and why it is no Terraform."""

    text: str | None
    line: int = 1
    error: str = ""


@dataclass(frozen=True)
class ReadyFolder:
    """A folder, where its data directory is, and more for the environment of its commands."""

    directory: Path
    data_dir: Path
    variables: Mapping[str, str]


class CheckingTerraform:
    """
    Terraform on files; safe to use from several threads.

    Every method raises GradectlError when Terraform cannot be run, or does not answer as it should.

    Args:
        binary: The program.
        tools: Runs it.
    """

    def __init__(self, binary: Binary, tools: Tools) -> None:
        """Keep both."""
        self._binary = binary
        self._tools = tools

    def unformatted(self, files: Sequence[Path], directory: Path) -> list[Path]:
        """List the files whose form is not the canonical one; all, when one cannot be read."""
        words = [*self._binary.command, "fmt", "-check", "-list=true", "-no-color"]
        done = self._tools.run([*words, *map(str, files)], directory)
        if done.code == _NOT_READ:
            return list(files)
        names = {(directory / line.strip()).resolve() for line in done.output.splitlines()}
        return [path for path in files if path.resolve() in names]

    def formatted(self, text: str, directory: Path) -> Formatted:
        """Give a text its canonical form."""
        words = [*self._binary.command, "fmt", "-no-color", "-"]
        done = self._tools.run(words, directory, text=text)
        if done.code == 0:
            return Formatted(done.output)
        line = _LINE.search(done.errors)
        return Formatted(None, int(line.group(1)) if line else 1, _words(done))

    def init(self, place: ReadyFolder, *, locked: bool) -> list[Diagnostic]:
        """
        Fetch the modules and providers of a folder, without its backend.

        Args:
            place: The folder.
            locked: False where the lock file may be written, which is only in a folder of ours.
        """
        words = ["init", "-backend=false", "-input=false", "-json", "-no-color"]
        with self._cache_for_us_alone():
            done = self._run(place, *words, *(["-lockfile=readonly"] if locked else []))
        return _streamed(done)

    def validate(self, place: ReadyFolder) -> list[Diagnostic]:
        """Hold a folder against the schemas of its providers."""
        done = self._run(place, "validate", "-json", "-no-color")
        return [diagnostic(item) for item in _document(done).get("diagnostics", [])]

    def test(self, place: ReadyFolder, files: Sequence[str]) -> Tested:
        """Run test files, which must mock their providers; paths as seen from the folder."""
        filters = [f"-filter={name}" for name in files]
        done = self._run(place, "test", "-json", "-no-color", *filters)
        diagnostics = _streamed(done)
        summaries = [fields for line in done.output.splitlines() if (fields := _summary(line))]
        if not summaries and not diagnostics:
            raise GradectlError(_words(done), where="terraform test")
        passed = int(summaries[-1].get("passed", 0)) if summaries else 0
        return Tested(passed, tuple(diagnostics))

    def console(self, place: ReadyFolder, expression: str, values: Path) -> str:
        """
        Evaluate an expression that needs no state.

        Args:
            place: The folder.
            expression: Gives a string.
            values: A tfvars file.
        """
        done = self._run(place, "console", f"-var-file={values}", text=expression + "\n")
        try:
            return str(json.loads(done.output))
        except ValueError as error:
            raise GradectlError(_words(done), where="terraform console") from error

    def _run(self, place: ReadyFolder, *words: str, text: str = "") -> Done:
        """Run one command in a folder."""
        variables = {"TF_DATA_DIR": str(place.data_dir), **place.variables}
        return self._tools.run([*self._binary.command, *words], place.directory, variables, text)

    @contextmanager
    def _cache_for_us_alone(self) -> Iterator[None]:
        """Keep other runs out of the plugin cache, which Terraform does not do."""
        folder = self._tools.environ.get(_CACHE)
        if not folder:
            yield
            return
        Path(folder).mkdir(parents=True, exist_ok=True)
        with (Path(folder) / ".gradectl.lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _streamed(done: Done) -> list[Diagnostic]:
    """Read the diagnostics of a command that speaks in lines."""
    events = [parse(line) for line in done.output.splitlines()]
    found = [event for event in events if isinstance(event, Diagnostic)]
    if done.code != 0 and not any(item.severity == "error" for item in found):
        found.append(Diagnostic("error", _words(done), "", ""))
    return found


def _document(done: Done) -> dict[str, Any]:
    """Read the answer of a command that speaks in one document."""
    try:
        answer: dict[str, Any] = json.loads(done.output)
    except ValueError as error:
        raise GradectlError(_words(done), where="terraform validate") from error
    return answer


def _summary(line: str) -> dict[str, Any]:
    """Read the line that sums `terraform test` up."""
    try:
        fields = json.loads(line)
    except ValueError:
        return {}
    found = fields.get("test_summary") if isinstance(fields, dict) else None
    return found if isinstance(found, dict) else {}


def _words(done: Done) -> str:
    """Give what a failing command said, without the frame around it."""
    lines = (line.strip(" │╷╵") for line in f"{done.errors}\n{done.output}".splitlines())
    kept = [line.removeprefix("Error: ") for line in lines if line and not _QUOTED.match(line)]
    return ". ".join(line.rstrip(".") for line in kept) or f"it ended with {done.code}"
