"""Whether Amazon MQ would keep all of the broker's XML."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from typing import cast

import yaml

from gradectl.errors import GradectlError
from gradectl.validation.broker_rules import BrokerRules, NotXmlError, stripped
from gradectl.validation.checks.configuration import terraform_inputs
from gradectl.validation.findings import Finding
from gradectl.validation.model import Check, CheckContext, CheckJob
from gradectl.validation.project import Folder, readable
from gradectl.validation.workbench import NotReadyError

_RULES = Path(__file__).parents[1] / "amazon_mq.yaml"
#: The local value of a module that is the whole XML.
_LOCAL = "broker_xml"
_TEMPLATES = "templates/*.xml.tftpl"


@cache
def amazon_mq_rules() -> BrokerRules:
    """Read what Amazon MQ permits."""
    return cast("BrokerRules", yaml.safe_load(_RULES.read_text(encoding="utf-8")))


def _jobs(context: CheckContext) -> list[CheckJob]:
    """Look at each module that renders a broker's XML."""
    return [
        CheckJob(
            context.shown(folder.path),
            terraform_inputs(context, folder),
            partial(_look, context, folder),
        )
        for folder in context.project.folders
        if _renders_xml(folder)
    ]


def _renders_xml(folder: Folder) -> bool:
    """Tell whether a folder has the local value."""
    return any(block.kind == "locals" and block.attribute(_LOCAL) for _, block in folder.blocks)


def _look(context: CheckContext, folder: Folder) -> Iterator[Finding]:
    """Let Terraform render the XML, and hold it against the rules."""
    template = next(iter(sorted(folder.path.glob(_TEMPLATES))), folder.files[0])
    try:
        place = context.bench.ready(folder)
        values = context.scratch / f"{folder.path.name}.tfvars"
        values.write_text(required_values(folder), encoding="utf-8")
        answer = context.bench.terraform.console(place, f"base64encode(local.{_LOCAL})", values)
        found = stripped(base64.b64decode(answer).decode(), amazon_mq_rules())
    except NotReadyError as error:
        yield from context.findings(error.diagnostics, error.directory)
    except NotXmlError as error:
        yield context.finding(template, error.line, f"not XML: {error}")
    except (GradectlError, ValueError) as error:
        yield context.finding(template, 1, f"it cannot be rendered: {error}")
    else:
        for item in found:
            text = f"Amazon MQ would remove {item.what} without a word"
            yield context.finding(template, _line(template, item.element), text, rule="allow-list")


def required_values(folder: Folder) -> str:
    """
    Write the required variables as tfvars, with the values that the module's tests give them.

    The defaults of all others are what most users run.
    """
    required = {
        block.labels[0]
        for _, block in folder.blocks
        if block.kind == "variable" and block.labels and not block.attribute("default")
    }
    found: dict[str, str] = {}
    given = [
        block for path in folder.tests for block in readable(path) if block.kind == "variables"
    ]
    for block in given:
        for item in block.attributes:
            if item.name in required:
                text = " ".join(word.text for word in item.value)
                found.setdefault(item.name, f"{item.name} = {text}\n")
    return "".join(found.values())


def _line(template: Path, element: str) -> int:
    """Find where a template writes an element."""
    lines = template.read_text(encoding="utf-8").splitlines()
    named = re.compile(rf"<{re.escape(element)}\b")
    return next((number for number, line in enumerate(lines, 1) if named.search(line)), 1)


CHECK = Check(
    name="broker-xml",
    purpose="Amazon MQ would keep all of the broker's XML",
    jobs=_jobs,
    absent=f"no module renders local.{_LOCAL}; a released module was checked where it was released",
    require=lambda context: context.bench.require(),
)
