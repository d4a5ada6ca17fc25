"""Checks that Amazon MQ keeps all of the broker's XML."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from gradectl.errors import GradectlError
from gradectl.validation.amazon_mq import amazon_mq_rules
from gradectl.validation.broker_rules import InvalidXmlError, stripped
from gradectl.validation.checks.configuration import terraform_inputs
from gradectl.validation.findings import Finding
from gradectl.validation.model import Check, CheckContext, CheckJob
from gradectl.validation.project import Folder, readable
from gradectl.validation.terraform_workspace import NotReadyError

#: The local value of a module with the whole XML.
_LOCAL = "broker_xml"
_TEMPLATES = "templates/*.xml.tftpl"


def _jobs(context: CheckContext) -> list[CheckJob]:
    """One job for each module that renders a broker's XML."""
    return [
        CheckJob(
            context.shown(folder.path),
            terraform_inputs(context, folder),
            partial(_check, context, folder),
        )
        for folder in context.project.folders
        if _renders_xml(folder)
    ]


def _renders_xml(folder: Folder) -> bool:
    """Whether a folder has the local value."""
    return any(block.kind == "locals" and block.attribute(_LOCAL) for _, block in folder.blocks)


def _check(context: CheckContext, folder: Folder) -> Iterator[Finding]:
    """Render the XML with Terraform and compare it with the rules."""
    template = next(iter(sorted(folder.path.glob(_TEMPLATES))), folder.files[0])
    try:
        ready = context.workspace.ready(folder)
        values = context.scratch / f"{folder.path.name}.tfvars"
        values.write_text(required_values(folder), encoding="utf-8")
        answer = context.workspace.terraform.console(ready, f"base64encode(local.{_LOCAL})", values)
        found = stripped(base64.b64decode(answer).decode(), amazon_mq_rules())
    except NotReadyError as error:
        yield from context.not_ready(error)
    except InvalidXmlError as error:
        yield context.finding(template, error.line, f"invalid XML: {error}")
    except (GradectlError, ValueError) as error:
        yield context.finding(template, 1, f"rendering failed: {error}")
    else:
        for item in found:
            text = f"Amazon MQ silently removes {item.what}"
            yield context.finding(template, _line(template, item.element), text, rule="allow-list")


def required_values(folder: Folder) -> str:
    """
    Write tfvars for the required variables, with the values from the module's tests.

    All other variables keep their defaults.
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
                text = " ".join(token.text for token in item.value)
                found.setdefault(item.name, f"{item.name} = {text}\n")
    return "".join(found.values())


def _line(template: Path, element: str) -> int:
    """The line of a template that writes an element."""
    lines = template.read_text(encoding="utf-8").splitlines()
    named = re.compile(rf"<{re.escape(element)}\b")
    return next((number for number, line in enumerate(lines, 1) if named.search(line)), 1)


CHECK = Check(
    name="broker-xml",
    purpose="Amazon MQ keeps all of the broker's XML",
    jobs=_jobs,
    absent=f"no module renders local.{_LOCAL}; released modules were checked before",
    require=lambda context: context.workspace.require(),
)
