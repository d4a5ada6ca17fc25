"""The templates of the project's templates/ folder, filled in by jinja2."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError, TemplateNotFound

from gradectl.errors import ConfigurationError

FOLDER = "templates"


def fill_in(project_root: Path, name: str, values: Mapping[str, Any]) -> str:
    """
    Fill in one template.

    Args:
        project_root: The folder that holds templates/.
        name: File name of the template.
        values: What it may use; using anything else is an error.

    Raises:
        ConfigurationError: There is no such template, or it uses what it is not given.
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
        raise ConfigurationError("no such template", where=where) from error
    except TemplateError as error:
        raise ConfigurationError(str(error), where=where) from error


def hcl(value: object) -> str:
    """
    Write a value as Terraform would, on one line.

    Raises:
        ConfigurationError: HCL has nothing for it, such as a date.
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, str):
        # In HCL ${ and %{ begin a template; doubling the sign takes them as they are.
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
    """Write the key of a mapping, in quotes only where it needs them."""
    return text if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]*", text) else hcl(text)
