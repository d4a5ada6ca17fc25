"""Renders the templates of the project's templates/ folder with jinja2."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError, TemplateNotFound

from gradectl.errors import ConfigurationError

FOLDER = "templates"


def render_template(project_root: Path, name: str, values: Mapping[str, Any]) -> str:
    """
    Render one template.

    Args:
        project_root: The folder that holds templates/.
        name: File name of the template.
        values: Its variables; using any other is an error.

    Raises:
        ConfigurationError: The template does not exist, is invalid, or uses an unknown variable.
    """
    environment = Environment(
        loader=FileSystemLoader(project_root / FOLDER),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - these are HCL and YAML, and HTML escapes would break them
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["hcl"] = hcl
    where = f"{FOLDER}/{name}"
    try:
        return environment.get_template(name).render(values)
    except TemplateNotFound as error:
        raise ConfigurationError(
            "template not found",
            where=where,
            next_step=f"copy {where} from the gradectl repository",
        ) from error
    except TemplateError as error:
        raise ConfigurationError(
            str(error), where=where, next_step="fix the template, and run it again"
        ) from error


def hcl(value: object) -> str:
    """
    Format a value as HCL, on one line.

    Raises:
        ConfigurationError: HCL has no such type, for example a date.
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, str):
        # In HCL ${ and %{ begin a template; a doubled sign escapes them.
        quoted = json.dumps(value, ensure_ascii=False)
        return quoted.replace("${", "$${").replace("%{", "%%{")
    if isinstance(value, list):
        return "[" + ", ".join(hcl(item) for item in value) + "]"
    if isinstance(value, dict):
        pairs = ", ".join(f"{_key(str(key))} = {hcl(item)}" for key, item in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    text = f"{value!r} is a {type(value).__name__}, which Terraform does not have"
    raise ConfigurationError(text, next_step="put it in quotes")


def _key(text: str) -> str:
    """Format the key of a mapping, with quotes only where they are needed."""
    return text if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]*", text) else hcl(text)
