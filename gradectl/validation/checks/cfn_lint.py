"""Whether cfn-lint accepts the stack that `gradectl bootstrap` makes."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from gradectl.deploy.rendering import BOOTSTRAP, bootstrap_template
from gradectl.environment import load, names
from gradectl.errors import ConfigurationError, GradectlError
from gradectl.validation.findings import Finding, Severity
from gradectl.validation.model import Check, CheckJob, Scene

_PROGRAM = "cfn-lint"
_SEVERITIES: dict[str, Severity] = {"Informational": "warning", "Warning": "error"}


def _program(scene: Scene) -> str | None:
    """Find it beside our own Python, or on PATH."""
    return scene.tools.find(_PROGRAM, [Path(sys.executable).parent])


def _require(scene: Scene) -> None:
    """Make sure that it is installed."""
    if not _program(scene):
        text = f"{_PROGRAM} is not installed"
        hint = f"pip install {_PROGRAM}, or: --skip {_PROGRAM}"
        raise ConfigurationError(text, where="PATH", next_step=hint)


def _jobs(scene: Scene) -> list[CheckJob]:
    """Look at the template once: environments give it only names."""
    template = scene.project.path / "templates" / BOOTSTRAP
    environments = names(scene.project.path)
    if not template.is_file() or not environments:
        return []
    name = environments[0]
    return [CheckJob(scene.shown(template), [template], lambda: _look(scene, template, name))]


def _look(scene: Scene, template: Path, name: str) -> Iterator[Finding]:
    """Render the template for one environment and lint it; the lines stay the same."""
    stack = scene.scratch / "bootstrap.yaml"
    try:
        environment = load(scene.project.path, name)
        stack.write_text(bootstrap_template(scene.project.path, environment), encoding="utf-8")
    except ConfigurationError as error:
        yield scene.finding(template, 1, str(error))
        return
    words = ["--format", "json", "--include-checks", "I", "--regions", environment.region]
    done = scene.tools.run([str(_program(scene)), *words, "--template", str(stack)], scene.scratch)
    try:
        matches = json.loads(done.output or "[]")
    except ValueError as error:
        raise GradectlError(done.errors or done.output, where=_PROGRAM) from error
    for match in matches:
        severity = _SEVERITIES.get(match["Level"], "error")
        line, rule = match["Location"]["Start"]["LineNumber"], match["Rule"]
        yield Finding(
            scene.shown(template),
            line,
            match["Message"],
            rule["Id"],
            severity,
            rule.get("Source", ""),
        )


CHECK = Check(
    name=_PROGRAM,
    purpose="cfn-lint accepts the stack of gradectl bootstrap",
    jobs=_jobs,
    absent=f"there is no templates/{BOOTSTRAP} with an environment",
    require=_require,
)
