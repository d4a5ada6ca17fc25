"""The Terraform commands that check files and need no AWS account."""

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
from gradectl.adapters.terraform.failures import DEBUG
from gradectl.adapters.terraform.locate import Binary
from gradectl.adapters.terraform.unattended import unattended
from gradectl.errors import GradectlError
from gradectl.processes.tools import CompletedProgram, Tools

_CACHE = "TF_PLUGIN_CACHE_DIR"
_OURS = ("AWS_", "TF_VAR_", "TF_CLI_ARGS", "TF_DATA_DIR", "TF_WORKSPACE", "TF_REATTACH_PROVIDERS")
#: An unintended request to AWS fails here.
_NOWHERE = "http://127.0.0.1:9"
_UNREADABLE = 2  # exit code of `fmt`
#: Lines of an error that repeat the source.
_QUOTED = re.compile(r"on \S+ line \d+|\d+: ")
_LINE = re.compile(r"\bline (\d+)")


def check_environment(environ: Mapping[str, str], temporary: Path) -> dict[str, str]:
    """
    Build Terraform's environment without the user's credentials and variables.

    Args:
        environ: The process environment.
        temporary: Folder for sockets and temporary files.
    """
    kept = {name: value for name, value in environ.items() if not name.startswith(_OURS)}
    return {
        **kept,
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": _NOWHERE,
        "AWS_REGION": "us-east-1",
        "AWS_SECRET_ACCESS_KEY": "none",
        "TMPDIR": str(temporary),
        **unattended(environ),
    }


@dataclass(frozen=True)
class Tested:
    """Result of `terraform test`: the number of passed runs and the diagnostics of the others."""

    passed: int
    diagnostics: tuple[Diagnostic, ...]


@dataclass(frozen=True)
class Formatted:
    """Result of `terraform fmt`: the formatted text, or line and message of a syntax error."""

    text: str | None
    line: int = 1
    error: str = ""


@dataclass(frozen=True)
class ReadyFolder:
    """
    A folder in which Terraform can run.

    Attributes:
        directory: The folder.
        data_dir: Its data directory (TF_DATA_DIR), outside of the folder.
        variables: Additions to the environment of the commands.
    """

    directory: Path
    data_dir: Path
    variables: Mapping[str, str]


class CheckingTerraform:
    """
    Runs Terraform on files; safe to use from several threads.

    Every method raises GradectlError when Terraform does not start or gives unexpected output.

    Args:
        binary: The program.
        tools: Runs it.
    """

    def __init__(self, binary: Binary, tools: Tools) -> None:
        self._binary = binary
        self._tools = tools

    def unformatted(self, files: Sequence[Path], directory: Path) -> list[Path]:
        """List the files that `fmt` would change; all of them when one has a syntax error."""
        command = [*self._binary.command, "fmt", "-check", "-list=true", "-no-color"]
        done = self._tools.run([*command, *map(str, files)], directory)
        if done.code == _UNREADABLE:
            return list(files)
        names = {(directory / line.strip()).resolve() for line in done.output.splitlines()}
        return [path for path in files if path.resolve() in names]

    def formatted(self, text: str, directory: Path) -> Formatted:
        """Format a text."""
        command = [*self._binary.command, "fmt", "-no-color", "-"]
        done = self._tools.run(command, directory, text=text)
        if done.code == 0:
            return Formatted(done.output)
        line = _LINE.search(done.errors)
        return Formatted(None, int(line.group(1)) if line else 1, _message(done))

    def format_file(self, path: Path) -> None:
        """Format a file in place; one with a syntax error stays as it is."""
        command = [*self._binary.command, "fmt", "-list=false", "-no-color", path.name]
        self._tools.run(command, path.parent)

    def init(self, folder: ReadyFolder, *, locked: bool) -> list[Diagnostic]:
        """
        Install the modules and providers of a folder, without its backend.

        Args:
            folder: The folder.
            locked: False where the lock file may be written: only in a temporary folder.
        """
        arguments = ["init", "-backend=false", "-input=false", "-json", "-no-color"]
        with self._plugin_cache_lock():
            done = self._run(folder, *arguments, *(["-lockfile=readonly"] if locked else []))
        return _streamed(done)

    def validate(self, folder: ReadyFolder) -> list[Diagnostic]:
        """Validate a folder against the schemas of its providers."""
        done = self._run(folder, "validate", "-json", "-no-color")
        return [diagnostic(item) for item in _document(done).get("diagnostics", [])]

    def test(
        self, folder: ReadyFolder, files: Sequence[str], values: Sequence[Path] = ()
    ) -> Tested:
        """
        Run test files, which must mock their providers.

        Args:
            folder: The folder.
            files: Paths of the test files, relative to the folder, all in one folder.
            values: Files with values of variables.
        """
        words = [f"-filter={name}" for name in files]
        words += [f"-test-directory={Path(name).parent}" for name in files[:1]]
        words += [f"-var-file={path}" for path in values]
        done = self._run(folder, "test", "-json", "-no-color", *words)
        diagnostics = _streamed(done)
        summaries = [fields for line in done.output.splitlines() if (fields := _summary(line))]
        if not summaries and not diagnostics:
            raise GradectlError(_message(done), where="terraform test", next_step=DEBUG)
        passed = int(summaries[-1].get("passed", 0)) if summaries else 0
        return Tested(passed, tuple(diagnostics))

    def console(self, folder: ReadyFolder, expression: str, values: Path) -> str:
        """
        Evaluate an expression that needs no state.

        Args:
            folder: The folder.
            expression: An expression with a string as its value.
            values: A tfvars file.
        """
        done = self._run(folder, "console", f"-var-file={values}", text=expression + "\n")
        try:
            return str(json.loads(done.output))
        except ValueError as error:
            raise GradectlError(
                _message(done), where="terraform console", next_step=DEBUG
            ) from error

    def _run(self, folder: ReadyFolder, *arguments: str, text: str = "") -> CompletedProgram:
        """Run one command in a folder."""
        variables = {"TF_DATA_DIR": str(folder.data_dir), **folder.variables}
        return self._tools.run(
            [*self._binary.command, *arguments], folder.directory, variables, text
        )

    @contextmanager
    def _plugin_cache_lock(self) -> Iterator[None]:
        """Lock the plugin cache, which Terraform does not protect from concurrent use."""
        cache = self._tools.environ.get(_CACHE)
        if not cache:
            yield
            return
        Path(cache).mkdir(parents=True, exist_ok=True)
        with (Path(cache) / ".gradectl.lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _streamed(done: CompletedProgram) -> list[Diagnostic]:
    """Read the diagnostics of a command with JSON lines as output."""
    events = [parse(line) for line in done.output.splitlines()]
    found = [event for event in events if isinstance(event, Diagnostic)]
    if done.code != 0 and not any(item.severity == "error" for item in found):
        found.append(Diagnostic("error", _message(done), "", ""))
    return found


def _document(done: CompletedProgram) -> dict[str, Any]:
    """Read the output of a command with one JSON document as output."""
    try:
        answer: dict[str, Any] = json.loads(done.output)
    except ValueError as error:
        raise GradectlError(_message(done), where="terraform validate", next_step=DEBUG) from error
    return answer


def _summary(line: str) -> dict[str, Any]:
    """Read the summary line of `terraform test`; empty for any other line."""
    try:
        fields = json.loads(line)
    except ValueError:
        return {}
    found = fields.get("test_summary") if isinstance(fields, dict) else None
    return found if isinstance(found, dict) else {}


def _message(done: CompletedProgram) -> str:
    """Extract the message of a failed command, without the frame that Terraform draws."""
    lines = (line.strip(" │╷╵") for line in f"{done.errors}\n{done.output}".splitlines())
    kept = [line.removeprefix("Error: ") for line in lines if line and not _QUOTED.match(line)]
    return ". ".join(line.rstrip(".") for line in kept) or f"it exited with {done.code}"
