"""Runs checkov over all Terraform files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from gradectl.errors import ConfigurationError, GradectlError
from gradectl.processes.output import tail
from gradectl.validation.findings import Finding
from gradectl.validation.model import Check, CheckContext, CheckJob

_PROGRAM = "checkov"
#: `make validate` installs it here: it pins an old boto3, so it needs its own environment.
_OWN = ".venv-checkov/bin"
_SKIPPED = (r"^\.", r"/\.", "node_modules", "(^|/)tests/", "(^|/)build/")
_SETTINGS = (".checkov.yaml", ".checkov.yml", ".checkov.baseline")


def _program(context: CheckContext) -> str | None:
    """Look checkov up in its own environment, then on PATH."""
    return context.tools.find(_PROGRAM, [context.project.path / _OWN, context.here / _OWN])


def _require(context: CheckContext) -> None:
    """Raise ConfigurationError when checkov is not installed."""
    if not _program(context):
        text = "checkov is not installed"
        hint = "run make validate in this repository, or pipx install checkov, or --skip checkov"
        raise ConfigurationError(text, where=f"{_OWN}, PATH", next_step=hint)


def _jobs(context: CheckContext) -> list[CheckJob]:
    """One job for all files: starting checkov takes longer than its checks."""
    files = [path for folder in context.project.folders for path in folder.files]
    inputs = [*files, *(context.project.path / name for name in _SETTINGS)]
    return [CheckJob(f"all {len(files)} files", inputs, lambda: _check(context, inputs))]


def _check(context: CheckContext, inputs: Sequence[Path]) -> Iterator[Finding]:
    """Run checkov, or reuse its cached result for the same files."""
    program = str(_program(context))
    kept = context.cache / f"checkov-{_digest(str(context.project.path).encode())}.json"
    key = _key(Path(program), inputs)
    reports = _cached(kept, key)
    if reports is None:
        reports = _run(context, program)
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps({"key": key, "reports": reports}), encoding="utf-8")
    for report in reports:
        for name in report["parsing_errors"]:
            yield context.finding(
                Path(name), 1, "checkov cannot parse this file", rule="unreadable"
            )
        for item in report["failed_checks"]:
            yield Finding(
                context.shown(Path(item["file_abs_path"])),
                max(1, item["file_line_range"][0]),
                f"{item['check_name']} ({item['resource']})",
                item["check_id"],
                help_url=item.get("guideline") or "",
            )


def _run(context: CheckContext, program: str) -> list[dict[str, Any]]:
    """Run checkov over all folders, without network access."""
    command = [program, "--directory", ".", "--framework", "terraform", "--output", "json"]
    command += ["--compact", "--skip-download"]
    command += [word for pattern in _SKIPPED for word in ("--skip-path", pattern)]
    done = context.tools.run(command, context.project.path, {"LOG_LEVEL": "ERROR"})
    try:
        answer = json.loads(done.output)
    except ValueError as error:
        message = tail(done.errors or done.output) or f"it exited with {done.code}"
        hint = f"check the installation: {program} --version"
        raise GradectlError(message, where=_PROGRAM, next_step=hint) from error
    reports = answer if isinstance(answer, list) else [answer]
    kept = ("failed_checks", "parsing_errors")
    return [{key: report.get("results", {}).get(key, []) for key in kept} for report in reports]


def _key(program: Path, inputs: Sequence[Path]) -> str:
    """Cache key: the installed program and the contents of the files."""
    parts = [str(program.resolve()), str(program.stat().st_mtime_ns)]
    for path in inputs:
        content = path.read_bytes() if path.is_file() else b""
        parts += [str(path), _digest(content)]
    return _digest("\n".join(parts).encode())


def _digest(content: bytes) -> str:
    """A short hash of some bytes."""
    return hashlib.sha256(content).hexdigest()[:32]


def _cached(kept: Path, key: str) -> list[dict[str, Any]] | None:
    """Read the cached result of the same files; None when there is none."""
    try:
        document = json.loads(kept.read_text(encoding="utf-8"))
        reports: list[dict[str, Any]] = document["reports"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return reports if document.get("key") == key else None


CHECK = Check(
    name=_PROGRAM,
    purpose="checkov finds nothing unsafe",
    jobs=_jobs,
    absent="no folder has Terraform files",
    require=_require,
)
