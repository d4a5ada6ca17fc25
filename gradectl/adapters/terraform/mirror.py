"""Configures where Terraform gets providers: a local mirror if there is one, else the registry."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from gradectl.errors import ConfigurationError

PLUGIN_DIR = "GRADECTL_PLUGIN_DIR"
CONFIG_NAME = "gradectl.tfrc"
_REGISTRY = "registry.terraform.io"
#: Terraform's implied mirror directories with a fixed path.
_IMPLIED = (Path("/usr/local/share/terraform/plugins"), Path("/usr/share/terraform/plugins"))
_SYSTEM = Path("/opt")


def candidates(environ: Mapping[str, str], system: Path = _SYSTEM) -> list[Path]:
    """
    List the directories that may hold a mirror, in order of preference.

    Args:
        environ: The process environment.
        system: Folder for software outside of the package manager; its children are searched.

    Raises:
        ConfigurationError: GRADECTL_PLUGIN_DIR is set, but holds no provider.
    """
    given = environ.get(PLUGIN_DIR)
    if given:
        if not providers_in(Path(given)):
            layout = f"{_REGISTRY}/<namespace>/<type>/<version>/<os_arch>"
            text = f"there is no provider below this folder; a mirror has the layout {layout}"
            hint = f"terraform providers mirror {given}, or unset {PLUGIN_DIR}"
            raise ConfigurationError(text, where=f"{PLUGIN_DIR}={given}", next_step=hint)
        return [Path(given)]
    home = Path(environ.get("HOME", "/nonexistent"))
    data = Path(environ.get("XDG_DATA_HOME") or home / ".local/share")
    implied = [home / ".terraform.d/plugins", data / "terraform/plugins", *_IMPLIED]
    children = sorted(path for path in system.glob("*") if path.is_dir())
    return [*implied, *children]


def providers_in(directory: Path) -> set[str]:
    """List the providers of a mirror, as `namespace/type`."""
    found = (directory / _REGISTRY).glob("*/*/*/*")
    return {"/".join(path.parts[-4:-2]) for path in found if path.is_dir()}


def command_line_configuration(directories: Iterable[Path]) -> str:
    """
    Write Terraform's CLI configuration for those directories that are mirrors.

    Each provider comes from the first mirror that has it, all others from the registry.
    """
    blocks: list[str] = []
    taken: set[str] = set()
    for directory in directories:
        new = sorted(providers_in(directory) - taken)
        if new:
            taken.update(new)
            path = json.dumps(str(directory.resolve()))
            blocks.append(f"  filesystem_mirror {{\n    path    = {path}\n    {_only(new)}\n  }}\n")
    if not blocks:
        return ""
    rest = f"  direct {{\n    {_only(sorted(taken), 'exclude')}\n  }}\n"
    return "provider_installation {\n" + "".join(blocks) + rest + "}\n"


def prepare(environ: Mapping[str, str], data_dir: Path, cache_dir: Path) -> dict[str, str]:
    """
    Write the CLI configuration and return the environment variables that select it.

    The user's own CLI configuration takes precedence, unless GRADECTL_PLUGIN_DIR is set.

    Args:
        environ: The process environment.
        data_dir: Terraform's data directory; the configuration is written here.
        cache_dir: Plugin cache of all environments, for downloads when there is no mirror.
    """
    own = Path(environ.get("TF_CLI_CONFIG_FILE") or Path(environ.get("HOME", "/")) / ".terraformrc")
    if own.is_file() and PLUGIN_DIR not in environ:
        return {}
    data_dir.mkdir(parents=True, exist_ok=True)
    config = data_dir / CONFIG_NAME
    text = command_line_configuration(candidates(environ))
    config.write_text(text, encoding="utf-8")
    variables = {"TF_CLI_CONFIG_FILE": str(config)}
    if not text and "TF_PLUGIN_CACHE_DIR" not in environ:
        cache_dir.mkdir(parents=True, exist_ok=True)
        variables["TF_PLUGIN_CACHE_DIR"] = str(cache_dir)
    return variables


def _only(providers: Sequence[str], word: str = "include") -> str:
    """Restrict a source to some providers, or exclude them."""
    listed = ", ".join(json.dumps(f"{_REGISTRY}/{name}") for name in providers)
    return f"{word} = [{listed}]"
