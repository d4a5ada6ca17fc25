"""Runs checkov over all Terraform files."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from gradectl.errors import ConfigurationError, GradectlError
from gradectl.processes.output import tail
from gradectl.validation.findings import Finding
from gradectl.validation.model import Check, CheckContext, CheckJob, Installation

_PROGRAM = "checkov"
#: `make validate` installs it here: it pins an old boto3, so it needs its own environment.
_OWN = ".venv-checkov/bin"
#: `gradectl validate` installs it here when asked to, below the folder of caches.
_INSTALLED = "checkov"
#: As in requirements/checkov.txt, which a test compares.
VERSION = "3.3.30"
_HINT = "pipx install checkov, or --skip checkov; in this repository: make validate"
#: Where rules are explained: without network access, checkov does not know their guidelines.
_SOURCES = "https://github.com/bridgecrewio/checkov/blob/main/"
_INDEX = "https://www.checkov.io/5.Policy%20Index/terraform.html"
_OWN_CHECKS = "checkov.terraform.checks."
_SKIPPED = (r"^\.", r"/\.", "node_modules", "(^|/)tests/", "(^|/)build/")
#: One wants a commit, the other a tag; the check module-versions accepts either.
_REPLACED = frozenset({"CKV_TF_1", "CKV_TF_2"})
_SETTINGS = (".checkov.yaml", ".checkov.yml", ".checkov.baseline")


def _program(context: CheckContext) -> str | None:
    """Look checkov up in its own environments, then on PATH."""
    own = [context.project.path / _OWN, context.here / _OWN, context.cache / _INSTALLED / "bin"]
    return context.tools.find(_PROGRAM, own)


def _require(context: CheckContext) -> None:
    """Raise ConfigurationError when checkov is not installed."""
    if not _program(context):
        text = "checkov is not installed"
        raise ConfigurationError(text, where=f"{_OWN}, PATH", next_step=_HINT)


def _installation(context: CheckContext) -> Installation | None:
    """How to install checkov where it is missing."""
    if _program(context):
        return None
    folder = context.cache / _INSTALLED
    return Installation(_PROGRAM, folder, _HINT, lambda heard: install(context, folder, heard))


def install(
    context: CheckContext,
    folder: Path,
    heard: Callable[[str], None],
    interpreter: str = sys.executable,
) -> None:
    """
    Install checkov into an environment of its own; an unfinished one is removed.

    Args:
        context: Context of the checks.
        folder: The environment.
        heard: Called with each line of progress.
        interpreter: Python.

    Raises:
        ConfigurationError: It cannot be installed.
    """
    words = ["--disable-pip-version-check", "--no-input", "--progress-bar=off"]
    commands = (
        [interpreter, "-m", "venv", "--clear", str(folder)],
        [str(folder / "bin" / "python"), "-m", "pip", "install", *words, f"{_PROGRAM}=={VERSION}"],
    )
    folder.parent.mkdir(parents=True, exist_ok=True)
    said: list[str] = []

    def hear(line: str) -> None:
        said.append(line)
        heard(line)

    done = False
    try:
        for command in commands:
            code = context.tools.follow(command, folder.parent, hear)
            if code:
                cause = tail("\n".join(said)) or f"exit code {code}"
                text = f"checkov cannot be installed: {cause}"
                raise ConfigurationError(text, where=str(folder), next_step=_HINT)
        done = True
    finally:
        if not done:
            shutil.rmtree(folder, ignore_errors=True)


def _jobs(context: CheckContext) -> list[CheckJob]:
    """One job for all files: starting checkov takes longer than its checks."""
    files = [path for folder in context.project.folders for path in folder.files]
    inputs = [*files, *(context.project.path / name for name in _SETTINGS)]
    return [CheckJob(f"all {len(files)} files", inputs, lambda: _check(context, inputs))]


def _check(context: CheckContext, inputs: Sequence[Path]) -> Iterator[Finding]:
    """Run checkov, or reuse its cached result for the same files."""
    program = _program(context)
    if not program:
        text = f"checkov is not installed, so nothing was checked; next: {_HINT}"
        where = context.shown(context.project.path)
        yield Finding(where, 1, text, rule="not-run", blocks=True)
        return
    kept = context.cache / f"checkov-{_digest(str(context.project.path).encode())}.json"
    key = _key(Path(program), inputs)
    reports = _cached(kept, key)
    if reports is None:
        reports = _run(context, program)
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps({"key": key, "reports": reports}), encoding="utf-8")
    for report in reports:
        for name in report["parsing_errors"]:
            text = "checkov cannot parse this file"
            yield context.blocked(Path(name), 1, text, rule="unreadable")
        for item in report["failed_checks"]:
            if item["check_id"] in _REPLACED:
                continue
            yield Finding(
                context.shown(Path(item["file_abs_path"])),
                max(1, item["file_line_range"][0]),
                f"{item['check_name']} ({item['resource']})",
                item["check_id"],
                help_url=_link(item),
                title=item["check_name"],
            )


def _link(item: Mapping[str, Any]) -> str:
    """The page of a rule: its guideline, else its source, else the list of all rules."""
    if item.get("guideline"):
        return str(item["guideline"])
    name = str(item.get("check_class") or "")
    if name.startswith(_OWN_CHECKS):
        return f"{_SOURCES}{name.replace('.', '/')}.py"
    return _INDEX if item["check_id"].startswith("CKV") else ""


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
    installation=_installation,
)
