"""`gradectl image`: build the image of the worker and push it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from gradectl.adapters.aws.images import PushedImage
from gradectl.cloud import CloudContext
from gradectl.commands.arguments import environment_argument
from gradectl.context import AppContext, pass_context
from gradectl.deploy.image import (
    BuildOptions,
    PushResult,
    WorkerImage,
    attached_components,
    describe_build,
    push_target,
    selected_digest,
)
from gradectl.deploy.image_content import describe, editor_folder
from gradectl.environment import Environment
from gradectl.errors import GradectlError
from gradectl.options import group
from gradectl.planning.review import deployment_id
from gradectl.ui import Table

_BUILDERS = click.Choice(["docker", "podman", "buildah"])
#: The start of an instruction, in the output of buildah and podman, and of docker buildx.
_INSTRUCTION = re.compile(r"STEP \d+/\d+: ((?:FROM|RUN|COPY) .*)|#\d+ \[[^]]*\d+/\d+\] (.*)")
_LONGEST = 70
_Function = TypeVar("_Function", bound=Callable[..., Any])


def _build_options(function: _Function) -> _Function:
    """Add the options of a build to a command."""
    for option in (
        click.option("--no-cache", is_flag=True, help="Run all instructions of the build again."),
        click.option(
            "--builder", type=_BUILDERS, help="Program to use; default: the first that works."
        ),
        click.option(
            "--base",
            metavar="IMAGE",
            help="Image to start from, or `debootstrap` to make one without a registry;"
            " overrides environment.yaml.",
        ),
        click.option(
            "--sbom",
            type=click.Path(path_type=Path, dir_okay=False),
            help="Write the components of the image to this file (CycloneDX JSON; needs syft).",
        ),
    ):
        function = option(function)
    return function


@group("image", epilog="Example: gradectl image push dev")
def image() -> None:
    """
    Build the image of the worker and push it.

    The key `image` of environment.yaml has the base, the languages and other settings.
    """


@image.command("build", epilog="Example: gradectl image build dev --base debootstrap")
@environment_argument
@_build_options
@pass_context(AppContext)
def build_image(  # noqa: PLR0913 - one parameter an option
    app: AppContext,
    environment: str,
    *,
    no_cache: bool,
    builder: str | None,
    base: str | None,
    sbom: Path | None,
) -> None:
    """Build the image on this machine, with docker, podman or buildah."""
    found = _with_base(app.declared_environment(environment), base)
    with narrated(app) as heard:
        worker = WorkerImage(app.project_root, found, app.environ, heard)
        document = {"environment": environment, **describe(worker.content)}
        if app.options.dry_run:
            title = f"would build {worker.name}"
            app.ui.emit("image-build", {**document, "built": False}, Table([], [], title=title))
            return
        result = worker.build(BuildOptions(builder, not no_cache, sbom))
    document |= {"built": True, **describe_build(result), "sbom": str(sbom) if sbom else None}
    _warn_without_editor(app, worker)
    megabytes = f"{result.image.bytes / 1e6:.0f} MB"
    rows = [
        ("image", result.image.name),
        ("id", result.image.image_id),
        ("size", megabytes),
        ("platform", worker.content.platform),
        ("builder", result.builder.name),
        ("seconds", f"{result.seconds:.1f}"),
    ]
    app.ui.emit("image-build", document, Table(["part", "value"], rows))
    app.ui.say(f"next: gradectl image push {environment}")


@image.command("push", epilog="Example: gradectl image push dev")
@environment_argument
@_build_options
@pass_context(CloudContext)
def push_image(  # noqa: PLR0913 - one parameter an option
    app: CloudContext,
    environment: str,
    *,
    no_cache: bool,
    builder: str | None,
    base: str | None,
    sbom: Path | None,
) -> None:
    """
    Build and push the image, and use it in the next plan.

    An image whose content is in the repository already is neither built nor pushed. The digest is
    written to release.json of the environment, and to its Terraform files.
    """
    found = _with_base(app.declared_environment(environment), base)
    app.announce(found)
    aws = app.aws(found)
    with narrated(app) as heard:
        worker = WorkerImage(app.project_root, found, app.environ, heard)
        document: dict[str, Any] = {**deployment_id(found), **describe(worker.content)}
        if app.options.dry_run:
            there = worker.pushed(aws)
            outcome = "is in the repository" if there else "would be built and pushed"
            title = f"{worker.content.tag} {outcome}"
            document |= {"pushed": False, "digest": there.digest if there else None}
            app.ui.emit("image-push", document, Table([], [], title=title))
            return
        app.ui.confirm(f"Push the image {worker.content.tag} to {found.image_repository}?")
        stack = app.stack(found)
        options = BuildOptions(builder, not no_cache, sbom)
        result = worker.push(aws, options, stack.ca_file if stack else None)
    document |= _pushed(app, result)
    _warn_without_editor(app, worker)
    rows = [
        ("image", result.release.image),
        ("tag", result.release.tag),
        ("pushed", "yes" if result.pushed else "no, the repository has it"),
        ("written", ", ".join(document["written"]) or "nothing, this image is selected already"),
    ]
    if result.pushed:
        rows.append(("components", result.components or f"not attached: {result.components_note}"))
    app.ui.emit("image-push", document, Table(["part", "value"], rows))
    app.ui.say(f"next: gradectl plan {environment}")


@image.command("list", epilog="Example: gradectl image list dev")
@environment_argument
@pass_context(CloudContext)
def list_images(app: CloudContext, environment: str) -> None:
    """List the images in the repository, latest first."""
    found = app.environment(environment)
    images = app.aws(found).images.all(found.image_repository)
    selected = selected_digest(app.project_root, found)
    document = {
        "environment": environment,
        "repository": found.image_repository,
        "images": [{**_fields(each), "selected": each.digest == selected} for each in images],
    }
    rows = [
        [
            ", ".join(each.tags) or "-",
            each.digest,
            f"{each.bytes / 1e6:.0f} MB",
            f"{each.pushed_at:%Y-%m-%d %H:%M}",
            "yes" if each.digest == selected else "",
        ]
        for each in images
    ]
    columns = ["tag", "digest", "download", "pushed", "next plan"]
    title = f"images of {found.image_repository}" + ("" if images else ": none")
    app.ui.emit("image-list", document, Table(columns, rows, title=title))


@image.command("inspect", epilog="Example: gradectl image inspect dev")
@environment_argument
@click.argument(
    "reference",
    required=False,
    help="Tag or digest; default: the image that the next plan uses.",
)
@pass_context(CloudContext)
def inspect_image(app: CloudContext, environment: str, *, reference: str | None) -> None:
    """Show an image in the repository: digest, tags, size, commit, version, components."""
    found = app.environment(environment)
    selected = selected_digest(app.project_root, found)
    wanted = reference or selected
    hint = f"gradectl image list {environment}, or: gradectl image push {environment}"
    if not wanted:
        raise GradectlError("no image was pushed yet", where=environment, next_step=hint)
    images = app.aws(found).images
    there = images.find(found.image_repository, wanted)
    if there is None:
        text = f"image {wanted} not found"
        raise GradectlError(text, where=found.image_repository, next_step=hint)
    components = _components(app, found, there.digest)
    about = dict(images.annotations(found.image_repository, there.digest))
    document = {
        "environment": environment,
        "repository": found.image_repository,
        **_fields(there),
        "selected": there.digest == selected,
        "components": components,
        "annotations": about,
    }
    rows = [
        ("digest", there.digest),
        ("tags", ", ".join(there.tags)),
        ("download", f"{there.bytes / 1e6:.0f} MB"),
        ("pushed", f"{there.pushed_at:%Y-%m-%d %H:%M}"),
        ("next plan", "yes" if there.digest == selected else "no"),
        ("components", components or "none attached"),
        *sorted(about.items()),
    ]
    app.ui.emit("image-inspect", document, Table(["part", "value"], rows))


def _with_base(environment: Environment, base: str | None) -> Environment:
    """The environment with another base image."""
    if base is None:
        return environment
    changed = environment.image.model_copy(update={"base": base})
    return environment.model_copy(update={"image": changed})


@contextmanager
def narrated(app: AppContext) -> Iterator[Callable[[str], None]]:
    """Yield a function that shows the output of a builder: live, or one line an instruction."""
    with app.ui.live() as show:

        def heard(line: str) -> None:
            found = _INSTRUCTION.search(line)
            if app.ui.animated:
                show([line[:_LONGEST]])
            elif found:
                text = " ".join((found[1] or found[2]).split())
                app.ui.say(f"building: {text[:_LONGEST]}")

        yield heard


def _warn_without_editor(app: AppContext, worker: WorkerImage) -> None:
    """Its absence makes another image, so it must not remain unnoticed."""
    if not worker.content.has_editor:
        app.ui.warn(
            f"the page in this image has a plain text area: its editor is not in {editor_folder()};"
            " install npm, run scripts/setup, and build again"
        )


def _components(app: CloudContext, environment: Environment, digest: str) -> str | None:
    """Digest of the attached list of components; None when none is known."""
    stack = app.stack(environment)
    try:
        login = app.aws(environment).images.login()
        target = push_target(environment, login, stack.ca_file if stack else None)
        return attached_components(target, digest) or None
    except GradectlError as error:
        app.ui.warn(f"the attached documents are unknown: {error}")
        return None


def _fields(found: PushedImage) -> dict[str, Any]:
    """An image for programs."""
    return {
        "digest": found.digest,
        "tags": list(found.tags),
        "bytes": found.bytes,
        "pushed_at": found.pushed_at.isoformat(),
    }


def _pushed(app: AppContext, result: PushResult) -> dict[str, Any]:
    """The outcome of a push for programs."""
    return {
        "pushed": result.pushed,
        "digest": result.release.digest,
        "image": result.release.image,
        "written": [str(path.relative_to(app.project_root)) for path in result.written],
        "build": describe_build(result.build) if result.build else None,
        "components": result.components or None,
    }
