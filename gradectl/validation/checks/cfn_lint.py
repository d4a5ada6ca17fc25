"""Checks the stack of `gradectl bootstrap` with cfn-lint."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from gradectl.deploy.rendering import BOOTSTRAP, bootstrap_template
from gradectl.environment import load, names
from gradectl.errors import ConfigurationError, GradectlError
from gradectl.processes.output import tail
from gradectl.validation.findings import Finding, Severity
from gradectl.validation.model import Check, CheckContext, CheckJob

_PROGRAM = "cfn-lint"
_SEVERITIES: dict[str, Severity] = {"Informational": "warning", "Warning": "error"}


def _program(context: CheckContext) -> str | None:
    """Look cfn-lint up next to the running Python, then on PATH."""
    return context.tools.find(_PROGRAM, [Path(sys.executable).parent])


def _require(context: CheckContext) -> None:
    """Raise ConfigurationError when cfn-lint is not installed."""
    if not _program(context):
        text = f"{_PROGRAM} is not installed"
        hint = f"pip install {_PROGRAM}, or: --skip {_PROGRAM}"
        raise ConfigurationError(text, where="PATH", next_step=hint)


def _jobs(context: CheckContext) -> list[CheckJob]:
    """One job: the environments differ only in names."""
    template = context.project.path / "templates" / BOOTSTRAP
    environments = names(context.project.path)
    if not template.is_file() or not environments:
        return []
    name = environments[0]
    return [CheckJob(context.shown(template), [template], lambda: _check(context, template, name))]


def _check(context: CheckContext, template: Path, name: str) -> Iterator[Finding]:
    """Render the template for one environment and lint it; line numbers do not change."""
    stack = context.scratch / "bootstrap.yaml"
    try:
        environment = load(context.project.path, name)
        stack.write_text(bootstrap_template(context.project.path, environment), encoding="utf-8")
    except ConfigurationError as error:
        yield context.finding(template, 1, str(error))
        return
    command = ["--format", "json", "--include-checks", "I", "--regions", environment.region]
    done = context.tools.run(
        [str(_program(context)), *command, "--template", str(stack)], context.scratch
    )
    try:
        matches = json.loads(done.output or "[]")
    except ValueError as error:
        message = tail(done.errors or done.output) or f"it exited with {done.code}"
        hint = f"check the installation: {_PROGRAM} --version"
        raise GradectlError(message, where=_PROGRAM, next_step=hint) from error
    for match in matches:
        severity = _SEVERITIES.get(match["Level"], "error")
        line, rule = match["Location"]["Start"]["LineNumber"], match["Rule"]
        yield Finding(
            context.shown(template),
            line,
            match["Message"],
            rule["Id"],
            severity,
            rule.get("Source", ""),
            rule.get("ShortDescription", ""),
        )


CHECK = Check(
    name=_PROGRAM,
    purpose="cfn-lint accepts the stack of gradectl bootstrap",
    jobs=_jobs,
    absent=f"no templates/{BOOTSTRAP}, or no environment",
    require=_require,
)
