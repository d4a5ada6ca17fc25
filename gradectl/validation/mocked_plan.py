"""Writes the `terraform test` file that plans a root with mocked providers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from gradectl.validation.hcl import Block, Token

#: The folder of the test file; no folder of a user has this name.
OWN = ".gradectl-plan"
_ACCOUNT = re.compile(r'"(\d{12})"')
_REGION = re.compile(r'"((?:af|ap|ca|eu|il|me|mx|sa|us)-[a-z]+-\d)"')
#: The value of a variable by its type; long enough and mixed enough for a password.
_INVENTED: Mapping[str, object] = {
    "any": "invented-Value-1",
    "bool": False,
    "list": [],
    "map": {},
    "number": 1,
    "set": [],
    "string": "invented-Value-1",
    "tuple": [],
}


def mock_values(table: Mapping[str, Any], texts: Sequence[str]) -> dict[str, Any]:
    """
    Fill in the table of mocked data sources with the account and the region of a root.

    Args:
        table: Attributes by type of data source.
        texts: Its files; the first account number and region in them count.
    """
    account = next((found[1] for text in texts if (found := _ACCOUNT.search(text))), "123456789012")
    region = next((found[1] for text in texts if (found := _REGION.search(text))), "us-east-1")
    filled = json.dumps(table).replace("{account}", account).replace("{region}", region)
    values: dict[str, Any] = json.loads(filled)
    return values


def invented(words: Sequence[Token]) -> object:
    """A value of a variable's type; without a type, a string."""
    names = [token.text for token in words]
    if names[:2] == ["optional", "("]:
        return invented(words[2:])
    if names[:3] != ["object", "(", "{"]:
        return _INVENTED.get(names[0] if names else "any", "invented-Value-1")
    found: dict[str, object] = {}
    depth, at = 0, 3
    while at + 2 < len(words) and depth >= 0:
        depth += {"{": 1, "(": 1, "}": -1, ")": -1}.get(names[at], 0)
        named = words[at].kind in ("name", "string") and names[at + 1] in ("=", ":")
        if depth == 0 and named and names[at + 2] != "optional":
            found[words[at].value] = invented(words[at + 2 :])
        at += 1
    return found


def plan_test(
    providers: Iterable[str],
    blocks: Sequence[Block],
    data: Mapping[str, Any],
    variables: Mapping[str, object],
) -> str:
    """
    Write the test file.

    Args:
        providers: Local names of the providers in the root.
        blocks: Blocks of the root.
        data: Values of data sources by type.
        variables: Values of variables for which no file has one.
    """
    aliases = [
        (block.labels[0], alias.literal)
        for block in blocks
        if block.kind == "provider" and block.labels and (alias := block.attribute("alias"))
    ]
    names = [(name, None) for name in sorted({*providers, "terraform"})]
    parts = [_mock(name, alias, data) for name, alias in [*names, *aliases]]
    # Terraform cannot import from a mocked provider.
    parts += [f"override_resource {{\n  target = {each}\n}}\n" for each in _imported(blocks)]
    given = "".join(f"    {name} = {_hcl(value)}\n" for name, value in variables.items())
    parts.append(f'run "plan" {{\n  command = plan\n  variables {{\n{given}  }}\n}}\n')
    return "\n".join(parts)


def _mock(name: str, alias: str | None, data: Mapping[str, Any]) -> str:
    """Write one mocked provider."""
    lines = [f'mock_provider "{name}" {{']
    lines += [f'  alias = "{alias}"'] if alias else []
    for kind, values in data.items():
        if kind.startswith(f"{name}_"):
            lines.append(f'  mock_data "{kind}" {{\n    defaults = {_hcl(values)}\n  }}')
    return "\n".join([*lines, "}\n"])


def _imported(blocks: Iterable[Block]) -> Iterator[str]:
    """Yield the addresses of imported resources, without keys."""
    for block in blocks:
        target = block.attribute("to") if block.kind == "import" else None
        depth, words = 0, []
        for token in target.value if target else ():
            depth += token.text == "["
            words += [] if depth else [token.text]
            depth -= token.text == "]"
        if words:
            yield "".join(words)


def _hcl(value: object) -> str:
    """A value as an expression; JSON is one, but for templates in strings."""
    return json.dumps(value).replace("${", "$${").replace("%{", "%%{")
