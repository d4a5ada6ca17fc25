"""One Terraform root with the values of one environment."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from os.path import normpath
from pathlib import Path
from typing import Any

from python_terraform import IsFlagged
from python_terraform import Terraform as CommandLine

from gradectl.adapters.terraform.events import Diagnostic, Event, Note, parse
from gradectl.adapters.terraform.failures import failure
from gradectl.adapters.terraform.locate import Binary
from gradectl.adapters.terraform.process import Surroundings, stream
from gradectl.errors import GradectlError

_OK, _FAILED, _CHANGES = 0, 1, 2
_PLAN = "terraform.plan"


@dataclass(frozen=True)
class RootSettings:
    """
    Where the root is and what belongs to the environment.

    Attributes:
        directory: The folder of the root module.
        data_dir: Terraform's data directory of this environment (TF_DATA_DIR).
        var_file: The rendered tfvars.
        backend_file: The rendered settings of the S3 backend.
        environ: Environment of the child, with credentials and TF_VAR_* secrets.
        lock_timeout_seconds: How long to wait for somebody else's lock.
        lock: False when nothing may be written, not even the lock.
    """

    directory: Path
    data_dir: Path
    var_file: Path
    backend_file: Path
    environ: Mapping[str, str]
    lock_timeout_seconds: int = 10
    lock: bool = True


class Terraform:
    """
    The Terraform commands that gradectl uses.

    Every method raises what `gradectl.adapters.terraform.failures.failure` makes of Terraform's
    errors, and `StoppedError` or `DeadlineError` when it was asked to stop.

    Args:
        binary: The program.
        settings: The root and the environment.
        on_event: Told everything that happens, as it happens.
    """

    def __init__(
        self, binary: Binary, settings: RootSettings, on_event: Callable[[Event], None]
    ) -> None:
        """Prepare the environment of the child process."""
        self._binary = binary
        self._settings = settings
        self._on_event = on_event
        environ = {
            **settings.environ,
            "TF_DATA_DIR": str(settings.data_dir),
            "TF_IN_AUTOMATION": "1",
            "TF_INPUT": "0",
            "CHECKPOINT_DISABLE": "1",
        }
        self._surroundings = Surroundings(
            settings.directory, environ, lambda text: on_event(Note(text))
        )

    @property
    def plan_file(self) -> Path:
        """Where `plan` puts what `apply` will do."""
        return self._settings.data_dir / _PLAN

    @property
    def unlock_command(self) -> str:
        """The words that release a lock, without its id."""
        shown = {"TF_DATA_DIR": str(self._settings.data_dir)}
        endpoint = self._settings.environ.get("AWS_ENDPOINT_URL")
        if endpoint:
            shown["AWS_ENDPOINT_URL"] = endpoint
        variables = " ".join(f"{name}={value}" for name, value in shown.items())
        return f"{variables} terraform -chdir={self._settings.directory} force-unlock"

    def init(self) -> None:
        """Fetch the providers and connect to the state of the environment."""
        self._stream(
            "init",
            json=IsFlagged,
            reconfigure=IsFlagged,
            backend_config=[str(self._settings.backend_file)],
        )

    def plan(self, *, destroy: bool = False) -> bool:
        """
        Work out what would change, into `plan_file`.

        Args:
            destroy: True to plan the removal of everything.

        Returns:
            Whether anything would change.
        """
        self._settings.data_dir.mkdir(parents=True, exist_ok=True)
        code = self._stream(
            "plan",
            json=IsFlagged,
            detailed_exitcode=IsFlagged,
            destroy=IsFlagged if destroy else None,
            lock=self._settings.lock,
            lock_timeout=f"{self._settings.lock_timeout_seconds}s",
            out=str(self.plan_file),
            var_file=str(self._settings.var_file.relative_to(self._settings.directory)),
        )
        self.plan_file.chmod(0o600)
        return code == _CHANGES

    def show_plan(self) -> dict[str, Any]:
        """Read the plan as Terraform's JSON; sensitive values are in it in clear."""
        plan: dict[str, Any] = json.loads(self._capture("show", str(self.plan_file)))
        return plan

    def apply(self) -> None:
        """Do what the last `plan` said, and forget that plan."""
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
        """Read the outputs of the state; those that are sensitive are left out."""
        found = json.loads(self._capture("output"))
        return {
            name: output["value"] for name, output in found.items() if not output.get("sensitive")
        }

    def _command(self, name: str, *arguments: str, **options: Any) -> list[str]:  # noqa: ANN401 - options of any kind
        """Build a command line with python-terraform, for the program that was found."""
        words = CommandLine(working_dir=str(self._settings.data_dir)).generate_cmd_string(
            name, *arguments, **options
        )
        return [*self._binary.command, *words[1:]]

    def _stream(self, name: str, *arguments: str, **options: Any) -> int:  # noqa: ANN401 - options of any kind
        """Run a command that speaks in events, and raise what it could not do."""
        errors: list[Diagnostic] = []

        def on_line(line: str) -> None:
            event = parse(line)
            if isinstance(event, Diagnostic) and event.severity == "error":
                errors.append(event)
            elif isinstance(event, Note) and name == "init":
                self._on_event(Note(event.message, "init"))  # of many types, all alike
            else:
                self._on_event(event)

        options |= {"input": False, "no_color": IsFlagged}
        command = self._command(name, *arguments, **options)
        code = stream(command, self._surroundings, on_line)
        if code not in (_OK, _CHANGES):
            raise failure(self._placed(errors), name, self.unlock_command)
        return code

    def _placed(self, errors: list[Diagnostic]) -> list[Diagnostic]:
        """Write the files of errors as seen from the project, not from the root."""
        folder = self._settings.directory.name
        return [
            replace(error, place=normpath(f"{folder}/{error.place}")) if error.in_file else error
            for error in errors
        ]

    def _capture(self, name: str, *arguments: str) -> str:
        """Run a command that answers with one JSON document."""
        lines: list[str] = []
        with tempfile.TemporaryFile("w+", encoding="utf-8") as errors:
            command = self._command(name, *arguments, json=IsFlagged)
            code = stream(command, self._surroundings, lines.append, errors)
            errors.seek(0)
            if code != _OK:
                raise GradectlError(errors.read().strip(), where=f"terraform {name}")
        return "".join(lines)
