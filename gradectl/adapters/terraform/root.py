"""Runs Terraform on the root module with the values of one environment."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from os.path import normpath
from pathlib import Path
from typing import Any

from python_terraform import IsFlagged
from python_terraform import Terraform as CommandLine

from gradectl.adapters.terraform.events import Diagnostic, Event, Note, parse
from gradectl.adapters.terraform.failures import DEBUG, failure, killed
from gradectl.adapters.terraform.locate import Binary
from gradectl.adapters.terraform.process import ProcessSettings, stream
from gradectl.adapters.terraform.transient import PAUSES, REPEATABLE, is_transient
from gradectl.adapters.terraform.unattended import unattended
from gradectl.errors import GradectlError

_OK, _FAILED, _CHANGES = 0, 1, 2
_PLAN = "terraform.plan"
_NEED_SECRETS = ("plan", "apply", "import")
_NO_STATE = "No state file was found"


@dataclass(frozen=True)
class RootSettings:
    """
    Paths and settings of the root module for one environment.

    Attributes:
        directory: The folder of the root module.
        data_dir: Terraform's data directory of this environment (TF_DATA_DIR).
        var_file: The rendered tfvars.
        backend_file: The rendered settings of the S3 backend.
        environ: Environment of the child process, with credentials.
        secrets: TF_VAR_* variables that only `plan`, `apply` and `import` get, because no
            other command needs them.
        lock_timeout_seconds: How long to wait for the lock of another run.
        lock: False when nothing may be written, not even the lock.
        unlock_command: The command that releases a lock, without the lock id.
    """

    directory: Path
    data_dir: Path
    var_file: Path
    backend_file: Path
    environ: Mapping[str, str]
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    lock_timeout_seconds: int = 10
    lock: bool = True
    unlock_command: str = "terraform force-unlock"


class Terraform:
    """
    The Terraform commands that gradectl uses.

    Every method raises the errors of `gradectl.adapters.terraform.failures.failure`, and
    `StoppedError` or `DeadlineError` after a signal or the --timeout.

    Args:
        binary: The program.
        settings: The root module and the environment.
        on_event: Called with each event.
        pause: Waits some seconds before a command is repeated.

    Attributes:
        killed: Whether a command was killed, so that it could not store its state.
    """

    def __init__(
        self,
        binary: Binary,
        settings: RootSettings,
        on_event: Callable[[Event], None],
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.killed = False
        self._pause = pause
        self._binary = binary
        self._settings = settings
        self._on_event = on_event
        environ = {
            **settings.environ,
            "TF_DATA_DIR": str(settings.data_dir),
            **unattended(settings.environ),
        }
        self._process = ProcessSettings(
            settings.directory, environ, lambda text: on_event(Note(text))
        )

    def _process_of(self, name: str) -> ProcessSettings:
        """The settings of a command's process; only some commands need the secrets."""
        if name not in _NEED_SECRETS:
            return self._process
        environ = {**self._process.environ, **self._settings.secrets}
        return replace(self._process, environ=environ)

    @property
    def plan_file(self) -> Path:
        """The file that `plan` writes and `apply` executes."""
        return self._settings.data_dir / _PLAN

    @property
    def unsaved_state(self) -> Path:
        """The file to which Terraform writes a state that it cannot store; for all environments."""
        return self._settings.directory / "errored.tfstate"

    def init(self) -> None:
        """Install the providers and connect to the state of the environment."""
        self._stream(
            "init",
            json=IsFlagged,
            reconfigure=IsFlagged,
            backend_config=[str(self._settings.backend_file)],
        )

    def plan(self, *, destroy: bool = False, refresh_only: bool = False) -> bool:
        """
        Write a plan to `plan_file`.

        Args:
            destroy: True to plan the deletion of everything.
            refresh_only: True to compare the state with the account, and plan no change.

        Returns:
            Whether anything would change.
        """
        self._settings.data_dir.mkdir(parents=True, exist_ok=True)
        code = self._stream(
            "plan",
            json=IsFlagged,
            detailed_exitcode=IsFlagged,
            destroy=IsFlagged if destroy else None,
            refresh_only=IsFlagged if refresh_only else None,
            lock=self._settings.lock,
            lock_timeout=f"{self._settings.lock_timeout_seconds}s",
            out=str(self.plan_file),
            var_file=str(self._settings.var_file.relative_to(self._settings.directory)),
        )
        self.plan_file.chmod(0o600)
        return code == _CHANGES

    def show_plan(self) -> dict[str, Any]:
        """Read the plan as Terraform's JSON; sensitive values are in clear text."""
        plan: dict[str, Any] = json.loads(self._capture("show", str(self.plan_file)))
        return plan

    def apply(self) -> None:
        """Execute the last `plan`, and delete its file."""
        try:
            self._stream(
                "apply",
                str(self.plan_file),
                json=IsFlagged,
                lock_timeout=f"{self._settings.lock_timeout_seconds}s",
            )
        finally:
            self.plan_file.unlink(missing_ok=True)

    def outputs(self) -> dict[str, Any]:
        """Read the outputs from the state, without sensitive ones."""
        found = json.loads(self._capture("output"))
        return {
            name: output["value"] for name, output in found.items() if not output.get("sensitive")
        }

    def unlock(self, lock_id: str) -> None:
        """Release the state lock of a run that has ended without doing so."""
        self._plain("force-unlock", "-force", lock_id)

    def push_state(self, file: Path) -> None:
        """Store a state; Terraform refuses an older one, and that of another environment."""
        self._plain("state", "push", str(file))

    def addresses(self) -> frozenset[str]:
        """Addresses of the resources in the state; none where there is no state yet."""
        try:
            return frozenset(self._plain("state", "list").splitlines())
        except GradectlError as error:
            if _NO_STATE in error.what:
                return frozenset()
            raise

    def import_resource(self, address: str, resource_id: str) -> None:
        """Add a resource that exists to the state."""
        settings = self._settings
        options = ["-input=false", "-no-color", f"-lock-timeout={settings.lock_timeout_seconds}s"]
        options.append(f"-var-file={settings.var_file.relative_to(settings.directory)}")
        self._plain("import", *options, address, resource_id)

    def _plain(self, *words: str) -> str:
        """Run a command that has no JSON output; returns the output, and raises its error."""
        said: list[str] = []
        command = [*self._binary.command, *words]
        code = stream(command, self._process_of(words[0]), said.append)
        text = "".join(said).strip()
        if code != _OK:
            raise GradectlError(text, where=f"terraform {words[0]}", next_step=DEBUG)
        return text

    def _command(self, name: str, *arguments: str, **options: Any) -> list[str]:  # noqa: ANN401 - options of any kind
        """Build a command line with python-terraform for the chosen program."""
        command = CommandLine(working_dir=str(self._settings.data_dir)).generate_cmd_string(
            name, *arguments, **options
        )
        return [*self._binary.command, *command[1:]]

    def _stream(self, name: str, *arguments: str, **options: Any) -> int:  # noqa: ANN401 - options of any kind
        """Run a command with JSON lines as output, and raise its errors."""
        errors: list[Diagnostic] = []

        def on_line(line: str) -> None:
            event = parse(line)
            if isinstance(event, Diagnostic) and event.severity == "error":
                errors.append(event)
            elif isinstance(event, Note) and name == "init":
                self._on_event(Note(event.message, "init"))  # its types do not matter
            else:
                self._on_event(event)

        options |= {"input": False, "no_color": IsFlagged}
        command = self._command(name, *arguments, **options)
        process = self._process_of(name)
        code = stream(command, process, on_line)
        for pause in PAUSES if name in REPEATABLE else ():
            if code in (_OK, _CHANGES) or not is_transient(errors):
                break
            self._on_event(Note(f"terraform {name}: {errors[0].summary}; again in {pause:g} s"))
            self._pause(pause)
            errors.clear()
            code = stream(command, process, on_line)
        if code < 0:
            self.killed = True
            raise killed(name, code)
        if code not in (_OK, _CHANGES):
            raise failure(self._located(errors), name, self._settings.unlock_command)
        return code

    def _located(self, errors: list[Diagnostic]) -> list[Diagnostic]:
        """Make the paths of errors relative to the project instead of the root module."""
        folder = self._settings.directory.name
        return [
            replace(error, location=normpath(f"{folder}/{error.location}"))
            if error.in_file
            else error
            for error in errors
        ]

    def _capture(self, name: str, *arguments: str) -> str:
        """Run a command with one JSON document as output."""
        lines: list[str] = []
        with tempfile.TemporaryFile("w+", encoding="utf-8") as errors:
            command = self._command(name, *arguments, json=IsFlagged)
            code = stream(command, self._process_of(name), lines.append, errors)
            errors.seek(0)
            if code != _OK:
                text, where = errors.read().strip(), f"terraform {name}"
                raise GradectlError(text, where=where, next_step=DEBUG)
        return "".join(lines)
