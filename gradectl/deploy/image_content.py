"""The files that an image is built from, and the tag that names them."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from gradectl.adapters.images.architectures import ARCHITECTURES
from gradectl.environment import FILE, FOLDER, Environment
from gradectl.errors import ConfigurationError
from gradectl.processes.tools import Tools

#: Time of all files of an image, so that a layer is the same as long as its content is: 2020-01-01.
EPOCH = 1577836800
PLATFORMS = {each.name: each.platform for each in ARCHITECTURES}
_FILES = ("Dockerfile", "pyproject.toml", "requirements/constraints.txt")
_PACKAGE = "grader"
_SUFFIXES = (".py", ".c", ".h")
_PAGES = "grader/api"  # that of people, and that of the endpoints
_PAGE_SUFFIXES = (".css", ".html", ".js", ".json", ".svg")
#: The editor of the page, in the folder that the image is built in.
_EDITOR = "editor"
_EDITOR_SUFFIXES = (".css", ".js", ".json", "")  # its licence has none
_TAG_CHARACTERS = 20


@dataclass(frozen=True)
class ImageContent:
    """
    What an image is built from.

    Attributes:
        files: Content by path, relative to the project.
        arguments: Values of the build arguments that determine the content.
        platform: Platform of the image, such as `linux/amd64`.
        base: Image to start from, or `debootstrap`.
        commit: The latest commit that changed a file; empty if unknown.
        modified: Whether files differ from that commit.
    """

    files: dict[str, bytes]
    arguments: dict[str, str]
    platform: str
    base: str
    commit: str
    modified: bool

    @property
    def has_editor(self) -> bool:
        """Whether the page in the image has its editor, and not a plain text area."""
        return any(path.startswith(f"{_EDITOR}/") for path in self.files)

    @property
    def digest(self) -> str:
        """SHA-256 of everything that determines the image, as hexadecimal digits."""
        total = hashlib.sha256()
        settings = {"arguments": self.arguments, "base": self.base, "platform": self.platform}
        total.update(json.dumps(settings, sort_keys=True).encode())
        for path, content in sorted(self.files.items()):
            total.update(f"\0{path}\0{hashlib.sha256(content).hexdigest()}".encode())
        return total.hexdigest()

    @property
    def tag(self) -> str:
        """The tag: equal for equal content only, so it never has to move."""
        return f"content-{self.digest[:_TAG_CHARACTERS]}"

    @property
    def revision(self) -> str:
        """The commit, with a mark when files differ from it."""
        return f"{self.commit}-modified" if self.commit and self.modified else self.commit

    def write(self, folder: Path, labels: Mapping[str, str]) -> None:
        """
        Write only the files to a folder, with modes that do not depend on umask.

        Args:
            folder: The folder.
            labels: Labels of the image. They are written into the Dockerfile, because buildah takes
                an instruction from its cache even when the build arguments in it have changed.
        """
        for path, content in self.files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            target.chmod(0o644)
        with (folder / "Dockerfile").open("a", encoding="utf-8") as file:
            words = " ".join(f'"{key}"="{value}"' for key, value in sorted(labels.items()))
            file.write(f"LABEL {words}\n")
        for each in folder.rglob("*/"):
            if each.is_dir():
                each.chmod(0o755)


def editor_folder() -> Path:
    """Where `scripts/setup` installs the editor of the page; it may be absent."""
    return Path(sys.prefix) / "share" / "grader" / "editor"


def editor_files(folder: Path) -> dict[str, bytes]:
    """The files of an installed editor, by their paths in the folder that the image is built in."""
    return {
        f"{_EDITOR}/{path.relative_to(folder).as_posix()}": path.read_bytes()
        for path in _found(folder, _EDITOR_SUFFIXES)
    }


def read_content(
    project_root: Path, environment: Environment, tools: Tools, editor: Path | None = None
) -> ImageContent:
    """
    Collect the files and settings of the image of an environment.

    Args:
        project_root: The folder with the Dockerfile and the worker.
        environment: The environment.
        tools: Runs git.
        editor: Folder of the editor, by default `editor_folder()`.

    Raises:
        ConfigurationError: The project lacks one of the files.
    """
    if environment.architecture not in PLATFORMS:
        text = f"ecs_architecture must be one of {', '.join(PLATFORMS)}"
        where = f"{FOLDER}/{environment.name}/{FILE}: variables"
        raise ConfigurationError(text, where=where, next_step="correct it, or remove it")
    missing = [name for name in (*_FILES, _PACKAGE) if not (project_root / name).exists()]
    if missing:
        text = f"the source of the worker image is incomplete: no {', '.join(missing)}"
        hint = "run it in a clone of the gradectl repository, or set grading_container_image"
        raise ConfigurationError(text, where=str(project_root), next_step=hint)
    paths = [
        *(project_root / name for name in _FILES),
        *_found(project_root / _PACKAGE, _SUFFIXES),
        *_found(project_root / _PAGES, _PAGE_SUFFIXES),
    ]
    folder = editor or editor_folder()
    files = {path.relative_to(project_root).as_posix(): path.read_bytes() for path in paths}
    files |= editor_files(folder)
    settings = environment.image
    commit, modified = _revision(project_root, tools)
    return ImageContent(
        files=files,
        arguments={
            "HEADERS": "yes" if settings.headers else "no",
            "LANGUAGES": settings.languages,
            "PACKAGES": settings.packages,
        },
        platform=PLATFORMS[environment.architecture],
        base=settings.base,
        commit=commit,
        modified=modified,
    )


def _found(folder: Path, suffixes: Collection[str]) -> list[Path]:
    """The files of these kinds below a folder; hidden ones, such as .env, are none of them."""
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix in suffixes and not path.name.startswith(".") and path.is_file()
    ]


def describe(content: ImageContent) -> dict[str, object]:
    """The fields of documents about a content."""
    return {
        "tag": content.tag,
        "content": content.digest,
        "platform": content.platform,
        "base": content.base,
        "commit": content.revision,
        **{key.lower(): value for key, value in content.arguments.items()},
    }


def _revision(project_root: Path, tools: Tools) -> tuple[str, bool]:
    """The latest commit that changed the files, and whether they differ from it now."""
    git = tools.find("git")
    if not git:
        return "", False
    paths = ["--", *_FILES, _PACKAGE]
    log = tools.run([git, "log", "-1", "--format=%H", *paths], project_root)
    if log.code or not log.output.strip():
        return "", False
    changed = tools.run([git, "status", "--porcelain", *paths], project_root)
    return log.output.strip(), bool(changed.output.strip())
