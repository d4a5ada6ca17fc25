"""Builds the image of the worker, pushes it, and names it for the next plan."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from gradectl import __version__
from gradectl.adapters.aws.account import Aws
from gradectl.adapters.aws.images import PushedImage, RegistryLogin
from gradectl.adapters.images.attachments import Attachments
from gradectl.adapters.images.base import DEBOOTSTRAP, import_base, make_base
from gradectl.adapters.images.builder import BuildRequest, BuiltImage, ImageBuilder, PushTarget
from gradectl.adapters.images.components import find_syft, write_components
from gradectl.adapters.images.find import builder_environment, find_builder
from gradectl.deploy.image_content import EPOCH, ImageContent, read_content
from gradectl.deploy.release import (
    Release,
    check_no_own_image,
    read_release,
    release_path,
    write_release,
)
from gradectl.deploy.rendering import outdated, rendered
from gradectl.environment import Environment
from gradectl.errors import ConfigurationError, GradectlError
from gradectl.processes.tools import Tools

_CACHE = "gradectl/bases"
#: Files for pip within the build, by the variable that names them on this machine.
_SECRETS = {"ca.pem": "PIP_CERT", "pip.conf": "PIP_CONFIG_FILE"}


@dataclass(frozen=True)
class BuildOptions:
    """
    Choices of one build.

    Attributes:
        builder: Name of the builder; None takes the first one that works.
        use_cache: False to run all instructions again.
        sbom: File for the list of components; None for none.
    """

    builder: str | None = None
    use_cache: bool = True
    sbom: Path | None = None


@dataclass(frozen=True)
class BuildResult:
    """A built image, the program that built it, and how long it took."""

    image: BuiltImage
    builder: ImageBuilder
    seconds: float


@dataclass(frozen=True)
class PushResult:
    """
    The image of the next plan.

    Attributes:
        release: The image.
        pushed: False when the repository had it already.
        written: The files that name it now, and did not before.
        build: The build; None when none was needed.
        components: Digest of the attached list of components (SBOM); empty when none is attached.
        components_note: Why none was attached; empty when one was, or nothing was pushed.
    """

    release: Release
    pushed: bool
    written: tuple[Path, ...]
    build: BuildResult | None
    components: str = ""
    components_note: str = ""


class WorkerImage:
    """
    The image of the worker of one environment.

    Args:
        project_root: The folder with the Dockerfile, the worker and environments/.
        environment: The environment.
        environ: The process environment.
        heard: Called with each line of output of a builder.
    """

    def __init__(
        self,
        project_root: Path,
        environment: Environment,
        environ: Mapping[str, str],
        heard: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self._root = project_root
        self._environment = environment
        self._environ = environ
        self._heard = heard
        self._tools = Tools(builder_environment(environ))
        self.content: ImageContent = read_content(project_root, environment, self._tools)
        self.name = f"localhost/{environment.image_repository}:{self.content.tag}"

    def build(self, options: BuildOptions) -> BuildResult:
        """
        Build the image; the builder's cache makes a second build short.

        Raises:
            ConfigurationError: A program is missing.
            UnreachableError: The base could not be pulled.
            GradectlError: An instruction failed.
        """
        if options.sbom:
            find_syft(self._tools)
        builder = find_builder(self._tools, options.builder)
        started = time.monotonic()
        with TemporaryDirectory(prefix="gradectl-image-") as folder:
            context = Path(folder)
            context.chmod(0o755)
            self.content.write(context, self._labels())
            request = self._request(context, options)
            base = self._base(builder, request)
            request = replace(request, arguments={**request.arguments, "BASE": base})
            image = builder.build(request, self._heard)
        seconds = time.monotonic() - started
        if options.sbom:
            write_components(self._tools, builder, image.name, options.sbom)
        return BuildResult(image, builder, seconds)

    def pushed(self, aws: Aws) -> PushedImage | None:
        """
        Look the image up in the repository of the environment.

        Raises:
            ConfigurationError: There is no repository, or environment.yaml has an own image.
        """
        check_no_own_image(self._environment)
        return aws.images.find(self._environment.image_repository, self.content.tag)

    def push(self, aws: Aws, options: BuildOptions, ca_file: Path | None = None) -> PushResult:
        """
        Build and push the image unless the repository has it, and write release.json.

        Args:
            aws: The account.
            options: Choices of the build.
            ca_file: Certificate authority of the registry; None for the usual ones.

        Raises:
            ConfigurationError: A program or the repository is missing.
            GradectlError: The build or the push failed; release.json is unchanged.
        """
        found, build = self.pushed(aws), None
        digest = found.digest if found else ""
        components, note = "", ""
        if found is None:
            target = self._target(aws.images.login(), ca_file)  # fails before the build
            with TemporaryDirectory(prefix="gradectl-sbom-") as folder:
                options, note = self._with_components(options, Path(folder))
                build = self.build(options)
                digest = self._push(aws, target, build)
                if options.sbom:
                    components, note = _attach(target, digest, options.sbom)
        uri = aws.images.repository_uri(self._environment.image_repository)
        release = Release(
            image=f"{uri}@{digest}",
            digest=digest,
            tag=self.content.tag,
            architecture=self._environment.architecture,
            version=__version__,
            commit=self.content.commit,
        )
        return PushResult(
            release, build is not None, self._select(release), build, components, note
        )

    def _target(self, login: RegistryLogin, ca_file: Path | None) -> PushTarget:
        """The repository of the environment."""
        return push_target(self._environment, login, ca_file, self.content.tag)

    def _with_components(self, options: BuildOptions, folder: Path) -> tuple[BuildOptions, str]:
        """Have the components listed in a file; or why not, where syft is not installed."""
        if options.sbom:
            return options, ""
        try:
            find_syft(self._tools)
        except ConfigurationError as error:
            return options, f"{error.what} ({error.next_step})"
        return replace(options, sbom=folder / "components.json"), ""

    def _push(self, aws: Aws, target: PushTarget, build: BuildResult) -> str:
        """Push a built image, and compare what the repository has with what was sent."""
        digest = build.builder.push(build.image.name, target, self._heard)
        found = aws.images.find(target.repository, self.content.tag)
        if found is None or found.digest != digest:
            text = f"pushed {digest}, but the repository has {found.digest if found else 'nothing'}"
            hint = "run it again; the repository must have immutable tags"
            raise GradectlError(text, where=target.reference, next_step=hint)
        return digest

    def _select(self, release: Release) -> tuple[Path, ...]:
        """Write release.json and the variables of Terraform."""
        written = []
        if write_release(self._root, self._environment, release):
            written.append(release_path(self._root, self._environment))
        files = rendered(self._root, self._environment)
        for path in outdated(files):
            path.write_text(files[path], encoding="utf-8")
            written.append(path)
        return tuple(written)

    def _request(self, context: Path, options: BuildOptions) -> BuildRequest:
        """Everything but the base."""
        return BuildRequest(
            context=context,
            name=self.name,
            platform=self.content.platform,
            arguments={**self.content.arguments, "SOURCE_DATE_EPOCH": str(EPOCH)},
            annotations=self._labels(),
            secrets=self._secrets(),
            epoch=EPOCH,
            use_cache=options.use_cache,
        )

    def _labels(self) -> dict[str, str]:
        """Labels of the image, and annotations of its manifest, which ECR shows."""
        return {
            "org.opencontainers.image.revision": self.content.revision or "unknown",
            "org.opencontainers.image.version": __version__,
            "gradectl.content": self.content.digest,
            "gradectl.languages": self._environment.image.languages,
            "gradectl.platform": self.content.platform,
        }

    def _secrets(self) -> dict[str, Path]:
        """
        The files of pip on this machine.

        Raises:
            ConfigurationError: A variable names a file that does not exist.
        """
        found = {}
        for name, variable in _SECRETS.items():
            if value := self._environ.get(variable):
                if not Path(value).is_file():
                    text = f"{variable} names {value}, which is not a file"
                    raise ConfigurationError(text, where=variable, next_step=f"unset {variable}")
                found[name] = Path(value).absolute()
        return found

    def _base(self, builder: ImageBuilder, request: BuildRequest) -> str:
        """Name of the base image; makes it where a registry must not be used."""
        if self.content.base != DEBOOTSTRAP:
            return self.content.base
        home = Path(self._environ.get("HOME") or "/")
        cache = Path(self._environ.get("XDG_CACHE_HOME") or home / ".cache")
        archive = make_base(self._tools, cache / _CACHE, request, self._heard)
        return import_base(builder, archive, request, self._heard)


def push_target(
    environment: Environment, login: RegistryLogin, ca_file: Path | None, tag: str = ""
) -> PushTarget:
    """
    Name the repository of an environment with its login.

    Args:
        environment: The environment.
        login: The login of its registry.
        ca_file: Certificate authority of the registry; None for the usual ones.
        tag: The tag to push.
    """
    repository = environment.image_repository
    return PushTarget(login.host, repository, tag, login.user, login.password, ca_file)


def attached_components(target: PushTarget, digest: str) -> str:
    """
    Find the list of components that is attached to an image.

    Args:
        target: Its repository.
        digest: Its digest.

    Returns:
        The digest of the artifact; empty when none is attached.

    Raises:
        GradectlError: The registry refused the call, or does not answer.
    """
    return Attachments(target).find(digest)


def _attach(target: PushTarget, digest: str, file: Path) -> tuple[str, str]:
    """Attach the list of components; the image works without it, so a refusal is only reported."""
    try:
        return Attachments(target).attach(digest, file.read_bytes()), ""
    except GradectlError as error:
        return "", str(error)


def describe_build(result: BuildResult) -> dict[str, Any]:
    """The fields of documents about a build."""
    return {
        "image": result.image.name,
        "image_id": result.image.image_id,
        "builder": result.builder.name,
        "bytes": result.image.bytes,
        "seconds": round(result.seconds, 1),
    }


def selected_digest(project_root: Path, environment: Environment) -> str:
    """Digest of the image that the next plan uses; empty when release.json names none."""
    with suppress(ConfigurationError):
        release = read_release(project_root, environment)
        return release.digest if release else ""
    return ""
