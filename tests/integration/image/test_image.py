"""The image of the worker: built by buildah, pushed to a real registry behind moto's ECR."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from gradectl.adapters.images.base import import_base, make_base
from gradectl.adapters.images.buildah import Buildah
from gradectl.adapters.images.builder import BuildRequest
from gradectl.adapters.images.find import builder_environment
from gradectl.deploy.image_content import EPOCH, editor_files, editor_folder
from gradectl.local.testing import running_control_plane, running_registry
from gradectl.processes.tools import Tools
from grader.languages import LANGUAGES

pytestmark = pytest.mark.engine
REPOSITORY = Path(__file__).resolve().parents[3]
SCHEMAS = REPOSITORY / "docs" / "schemas" / "cli"
NAME = "imaged"
SENTINEL = "a-Sentinel-that-no-layer-has"
SECONDS = 900  # a limit for a hung test, not a measurement
#: Stands in for syft, which takes 20 seconds; it looks at the exported image, as syft does.
SYFT = """#!/bin/sh
set -eu
test -e "${3#oci-dir:}/index.json"
printf '{"bomFormat": "CycloneDX", "specVersion": "1.6"}' > "${5#cyclonedx-json=}"
"""
#: Comments of the Dockerfile, before the stages with our code and the one with tools of others.
LAUNCHER, TOOLS, WORKER = (
    *("# The launcher of the sandbox", "# What builds the package", "# The worker itself"),
)


@dataclass(frozen=True)
class World:
    """A project with the source of the worker, its account, and the files of the registry."""

    root: Path
    environ: dict[str, str]
    registry: Path

    def gradectl(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "gradectl.cli", *arguments],
            cwd=self.root,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    def image(self, *arguments: str) -> Any:
        """Run `gradectl image`, and return its document, which fits its schema."""
        done = self.gradectl("image", *arguments, "--yes", "--output", "json")
        assert done.returncode == 0, done.stderr
        assert SENTINEL not in done.stdout + done.stderr
        found = json.loads(done.stdout)
        schema = json.loads((SCHEMAS / f"{found['kind']}.json").read_text())
        jsonschema.Draft202012Validator(schema).validate(found)
        return found


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Secrets are planted where builds of others have leaked them: ignored files and variables."""
    root = tmp_path_factory.mktemp("project")
    for name in ("templates", "grader", "requirements"):
        shutil.copytree(
            REPOSITORY / name, root / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    for name in ("Dockerfile", ".dockerignore", "pyproject.toml"):
        shutil.copy(REPOSITORY / name, root / name)
    folder = root / "environments" / NAME
    folder.mkdir(parents=True)
    for path in (REPOSITORY / "environments").glob("*.tf"):
        shutil.copy(path, folder.parent / path.name)
    content = {
        "schema_version": 1,
        "name": NAME,
        "account_id": "123456789012",
        "region": "ap-northeast-2",
        "emulated": True,
        "image": {"base": "debootstrap"},
    }
    (folder / "environment.yaml").write_text(yaml.safe_dump(content))
    for name in (".env", "grader/.env", "grader/worker/notes.txt", "credentials.json"):
        (root / name).write_text(SENTINEL)
    pip = root / "pip.conf"
    pip.write_text(f"# {SENTINEL}\n")
    servers = tmp_path_factory.mktemp("servers")
    programs = tmp_path_factory.mktemp("programs")
    (programs / "syft").write_text(SYFT)
    (programs / "syft").chmod(0o755)
    with (
        running_registry(servers) as registry,
        running_control_plane(servers, registry) as endpoint,
    ):
        environ = {
            **{key: text for key, text in os.environ.items() if not key.startswith("AWS_")},
            "DB_PASSWORD": SENTINEL,
            "GRADECTL_ENDPOINT_URL": endpoint,
            "GRADECTL_LOCAL_DIR": str(servers / "no-stack"),
            "PATH": f"{programs}:{os.environ['PATH']}",
            "PIP_CONFIG_FILE": str(pip),
            "PYTHONPATH": str(REPOSITORY),
            "SSL_CERT_FILE": registry.ca_file,
        }
        made = World(root, environ, servers / "registry")
        for words in (["render", NAME], ["bootstrap", NAME, "--yes"]):
            done = made.gradectl(*words)
            assert done.returncode == 0, done.stderr
        yield made


@pytest.fixture(scope="module")
def pushed(world: World) -> Any:
    """The first push, which builds the image."""
    return world.image("push", NAME, "--builder", "buildah")


def quiet(_line: str) -> None:
    """Ignore the output of a builder."""


def base_of(world: World) -> tuple[Buildah, BuildRequest]:
    """The builder, and a request that starts from the base of the environment."""
    tools = Tools(builder_environment(world.environ))
    builder = Buildah(tools, shutil.which("buildah") or "buildah")
    certificate = world.environ.get("PIP_CERT")
    secrets = {"ca.pem": Path(certificate)} if certificate else {}
    arguments = {"LANGUAGES": "minimal", "PACKAGES": ""}
    request = BuildRequest(world.root, "", "linux/amd64", arguments, {}, secrets, EPOCH)
    kept = make_base(tools, Path.home() / ".cache" / "gradectl" / "bases", request, quiet)
    base = import_base(builder, kept, request, quiet)
    return builder, replace(request, arguments={**arguments, "BASE": base})


def context_of(world: World, folder: Path, dockerfile: str) -> Path:
    """A folder with the source and another Dockerfile."""
    shutil.copytree(world.root / "grader", folder / "grader")
    for name in ("pyproject.toml", "requirements/constraints.txt"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(world.root / name, folder / name)
    for name, content in editor_files(editor_folder()).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    (folder / "Dockerfile").write_text(dockerfile)
    return folder


def inspected(image: str) -> Any:
    command = ["buildah", "inspect", "--type", "image", image]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)["OCIv1"]


def layers(image: str) -> list[str]:
    """Digests of the uncompressed layers of an image, the lowest first."""
    return list(inspected(image)["rootfs"]["diff_ids"])


def test_the_pushed_digest_is_what_the_next_plan_uses(world: World, pushed: Any) -> None:
    """In release.json and in the variables of Terraform."""
    folder = world.root / "environments" / NAME
    uri = f"123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/{NAME}-grading-worker"

    assert pushed["pushed"]
    assert pushed["image"] == f"{uri}@{pushed['digest']}"
    assert json.loads((folder / "release.json").read_text())["digest"] == pushed["digest"]
    assert f'= "{pushed["image"]}"' in (folder / "terraform.tfvars").read_text()


def test_a_second_push_of_the_same_content_does_nothing(world: World, pushed: Any) -> None:
    """It neither builds nor pushes: ECR refuses to move an immutable tag."""
    again = world.image("push", NAME)

    assert not again["pushed"]
    assert (again["build"], again["written"]) == (None, [])
    assert again["digest"] == pushed["digest"]


@pytest.fixture
def libraries() -> Iterator[str]:
    """Name of an image of the stages without our code; it and what is built on it are removed."""
    name = f"localhost/{NAME}-test:libraries"
    yield name
    for each in (f"{name}-again", f"{name}-tools", name):
        subprocess.run(["buildah", "rmi", "--force", each], capture_output=True, check=True)


def test_the_layers_of_our_code_are_the_same_when_they_are_built_again(
    world: World, pushed: Any, tmp_path: Path, libraries: str
) -> None:
    """The stages with our code run again, with other times, on the libraries of before."""
    others, rest = (world.root / "Dockerfile").read_text().split(LAUNCHER)
    launcher, rest = rest.split(TOOLS)
    tools, worker = rest.split(WORKER)
    builder, request = base_of(world)
    label = "LABEL purpose=test\n"  # else a name of the test is in the history of later images
    for name, stages in ((libraries, others), (f"{libraries}-tools", f"{others}{TOOLS}{tools}")):
        context = context_of(world, tmp_path / name.rpartition(":")[2], stages + label)
        builder.build(replace(request, context=context, name=name), quiet)
    text = f"FROM {libraries} AS libraries\n{LAUNCHER}{launcher}"
    text += f"FROM {libraries}-tools AS tools\n{WORKER}{worker}"
    context = context_of(world, tmp_path / "again", text)
    os.utime(context / "grader" / "errors.py", (0, 0))
    again = f"{libraries}-again"
    arguments = {"HEADERS": "no", "SOURCE_DATE_EPOCH": str(EPOCH)}
    changed = replace(request, context=context, name=again, arguments=arguments, use_cache=False)
    builder.build(changed, quiet)

    assert layers(again) == layers(pushed["build"]["image"])


@pytest.mark.exhaustive
def test_the_same_content_has_the_same_digest(world: World, pushed: Any) -> None:
    """Also when every instruction runs again, with other times and modes, and without pip.conf."""
    source = world.root / "grader" / "errors.py"
    source.chmod(0o600)
    os.utime(source, (0, 0))
    without = {key: text for key, text in world.environ.items() if key != "PIP_CONFIG_FILE"}

    again = replace(world, environ=without).image(
        "build", NAME, "--builder", "buildah", "--no-cache"
    )

    assert again["tag"] == pushed["tag"]
    assert layers(again["image_id"]) == layers(pushed["build"]["image_id"])
    assert again["image_id"] == pushed["build"]["image_id"]


def test_no_layer_has_a_planted_secret(world: World, pushed: Any) -> None:
    """Neither files beside the source, nor variables, nor the configuration of pip."""
    stored = world.registry / "images" / "docker" / "registry" / "v2" / "blobs" / "sha256"
    texts = []
    for path in stored.glob("*/*/data"):
        raw = path.read_bytes()
        texts.append(gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw)

    assert sum(map(len, texts)) > pushed["build"]["bytes"] / 2
    assert any(b"grader/worker/processor.py" in text for text in texts)
    assert [text[:200] for text in texts if SENTINEL.encode() in text] == []


def test_the_list_of_components_is_attached(world: World, pushed: Any) -> None:
    """As an artifact whose subject is the image; this registry lacks the referrers API."""
    images = world.registry / "images" / "docker" / "registry" / "v2"

    def stored(digest: str) -> Any:
        name = digest.removeprefix("sha256:")
        return json.loads((images / "blobs" / "sha256" / name[:2] / name / "data").read_text())

    artifact = stored(pushed["components"])
    assert artifact["subject"]["digest"] == pushed["digest"]
    assert artifact["artifactType"] == "application/vnd.cyclonedx+json"
    assert stored(artifact["layers"][0]["digest"])["bomFormat"] == "CycloneDX"
    assert world.image("inspect", NAME)["components"] == pushed["components"]


def test_list_and_inspect_show_the_image(world: World, pushed: Any) -> None:
    """With the mark of the next plan, and commit, version and platform."""
    listed = world.image("list", NAME)["images"]
    found = world.image("inspect", NAME)

    assert [(each["digest"], each["selected"]) for each in listed] == [(pushed["digest"], True)]
    assert found["tags"] == [pushed["tag"]]
    assert found["annotations"]["gradectl.platform"] == "linux/amd64"
    assert found["annotations"]["gradectl.content"] == pushed["content"]


def in_image(image: str, *words: str) -> str:
    """Output of a command in the file system of an image, as its user."""
    done = subprocess.run(["buildah", "from", image], capture_output=True, text=True, check=True)
    container = done.stdout.strip()
    # The launcher of the image closes /dev/shm of its machine, so it gets one of its own.
    own = 'mount -t tmpfs -o mode=1777 none /dev/shm && exec "$@"'
    run = ["unshare", "--mount", "sh", "-c", own, "in-image"]
    run += ["buildah", "run", "--isolation", "chroot", container, "--", *words]
    try:
        return subprocess.run(run, capture_output=True, text=True, check=True).stdout
    finally:
        subprocess.run(["buildah", "rm", container], capture_output=True, check=True)


def states_of_languages(image: str) -> dict[str, str]:
    """Name -> state, after a program of each has been compiled and run in the image."""
    found = json.loads(in_image(image, "grader", "languages", "--output", "json"))
    return {row["name"]: row["status"] for row in found["languages"]}


def test_the_worker_grades_in_its_image(pushed: Any) -> None:
    """As user 1000, with the setuid launcher and the languages of `minimal`."""
    image = f"{pushed['build']['image']}"

    states = states_of_languages(image)

    assert inspected(image)["config"]["Labels"]["gradectl.content"] == pushed["content"]
    assert in_image(image, "id", "-u").strip() == "1000"
    assert {name for name, state in states.items() if state == "ok"} == {
        *("python", "c", "cpp17", "cpp20"),
    }


def test_the_http_api_in_the_image_has_its_page_and_the_editor(pushed: Any) -> None:
    """The same image runs `grader api`; nothing is fetched from another host."""
    code = "from grader.api.page import _find_editor as find, editor_folder as folder, page_router"
    code += "; page_router(); print(find(folder())[0])"

    version = in_image(pushed["build"]["image"], "python3", "-I", "-c", code).strip()

    package = REPOSITORY / "grader" / "api" / "page" / "package.json"
    (wanted,) = json.loads(package.read_text())["dependencies"].values()
    assert wanted in version


@pytest.mark.exhaustive
def test_the_full_image_compiles_and_runs_every_language(world: World) -> None:
    """Each one of the worker: a missing package of a compiler shows here."""
    name = f"{NAME}-full"
    folder = world.root / "environments" / name
    folder.mkdir()
    content = yaml.safe_load((folder.parent / NAME / "environment.yaml").read_text())
    content |= {"name": name, "image": {**content["image"], "languages": "full"}}
    (folder / "environment.yaml").write_text(yaml.safe_dump(content))

    built = world.image("build", name, "--builder", "buildah")

    assert states_of_languages(built["image"]) == {one.name: "ok" for one in LANGUAGES}
    assert in_image(built["image"], "id", "-u").strip() == "1000"
