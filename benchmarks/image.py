"""Size of the image of the worker, and time of its builds with buildah."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from figures import Absent, Aim, Figure, Measured, clocked, timed
from local_stack import ROOT
from progress import say

from gradectl.adapters.images.base import import_base, make_base
from gradectl.adapters.images.buildah import Buildah
from gradectl.adapters.images.builder import BuildRequest
from gradectl.adapters.images.find import builder_environment
from gradectl.deploy.image import BuildOptions, BuildResult, WorkerImage
from gradectl.deploy.image_content import EPOCH
from gradectl.environment import Environment
from gradectl.processes.tools import Tools

_FIGURES = (
    *("image_bytes", "image_build_seconds", "image_build_again_seconds", "image_rebuild_seconds"),
    *("image_full_bytes", "image_full_build_seconds", "image_full_build_again_seconds"),
)
_PROGRAMS = ("buildah", "mmdebstrap")
_PLATFORM = "linux/amd64"
_BASES = Path.home() / ".cache" / "gradectl" / "bases"


def measure() -> Measured:
    """Baselines: the base image, bare buildah with the same Dockerfile, and our builds before."""
    missing = [name for name in _PROGRAMS if not shutil.which(name)]
    if missing:
        reason = f"no {', '.join(missing)}: make image installs it"
        yield from ((name, Absent(reason)) for name in _FIGURES)
        return
    say("the image of the worker: by bare buildah, by gradectl, again, full, and after a change")
    builder = Buildah(Tools(builder_environment(os.environ)), shutil.which("buildah") or "")
    request = BuildRequest(ROOT, "", _PLATFORM, {"PACKAGES": ""}, epoch=EPOCH)
    archive = make_base(Tools(builder_environment(os.environ)), _BASES, request, _quiet)
    base = import_base(builder, archive, request, _quiet)
    with tempfile.TemporaryDirectory() as folder:
        project = _copy(Path(folder))
        bare = timed(_bare, project, base)
        first, built = clocked(_build, project, "minimal", False)
        again, _ = clocked(_build, project, "minimal", True)
        full_first, full = clocked(_build, project, "full", False)
        full_again, _ = clocked(_build, project, "full", True)
        with (project / "grader" / "worker" / "processor.py").open("a") as file:
            file.write("# changed\n")
        changed, _ = clocked(_build, project, "minimal", True)
    small = builder.find(base)
    yield "image_bytes", Figure(built.image.bytes, "bytes", small.bytes if small else 0, 1)
    yield "image_build_seconds", Figure(first, "seconds", bare, 1)
    yield "image_build_again_seconds", Figure(again, "seconds", first, 1)
    yield "image_rebuild_seconds", Figure(changed, "seconds", first, 1, Aim(10))
    yield "image_full_bytes", Figure(full.image.bytes, "bytes", built.image.bytes, 1)
    yield "image_full_build_seconds", Figure(full_first, "seconds", first, 1)
    yield "image_full_build_again_seconds", Figure(full_again, "seconds", full_first, 1)


def _copy(folder: Path) -> Path:
    """A project with what the image is built from."""
    shutil.copytree(ROOT / "grader", folder / "grader")
    for name in ("Dockerfile", "pyproject.toml", "requirements/constraints.txt"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    return folder


def _build(project: Path, languages: str, use_cache: bool) -> BuildResult:
    content = {
        "schema_version": 1,
        "name": f"bench-{languages}",
        "account_id": "123456789012",
        "region": "ap-northeast-2",
        "image": {"base": "debootstrap", "languages": languages},
    }
    image = WorkerImage(project, Environment.model_validate(content), os.environ)
    return image.build(BuildOptions("buildah", use_cache))


def _bare(project: Path, base: str) -> None:
    """Build without a cache and without gradectl."""
    secrets = {"ca.pem": "PIP_CERT", "pip.conf": "PIP_CONFIG_FILE"}
    found = {name: os.environ[key] for name, key in secrets.items() if os.environ.get(key)}
    given = [word for name, path in found.items() for word in ("--secret", f"id={name},src={path}")]
    command = ["buildah", "build", "--isolation", "chroot", "--layers", "--no-cache", *given]
    command += ["--build-arg", f"BASE={base}", "--tag", "localhost/bench-bare", "."]
    subprocess.run(command, cwd=project, check=True, capture_output=True)


def _quiet(_line: str) -> None:
    """Ignore the output of a builder."""
