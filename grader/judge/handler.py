"""The default handler: grades submissions in the sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from grader.contract.messages import GradingRequest
from grader.handlers import HandlerContext, HandlerSpec
from grader.judge.caches import open_caches
from grader.judge.grader import Grader
from grader.judge.languages_check import Toolchains, choose, detect
from grader.judge.limits import MaxLimits
from grader.sandbox import Box
from grader.sandbox.host import describe_host
from grader.sandbox.selftest import run_self_test
from grader.settings import WorkerSettings

_BYTES_PER_MB = 1 << 20


@contextmanager
def grading(context: HandlerContext) -> Iterator[HandlerSpec[GradingRequest]]:
    """
    Open what all consumers share, and give each a grader with a box of its own.

    Args:
        context: Settings, bucket and log of the worker.

    Raises:
        SettingsError: The launcher cannot be run, or LANGUAGES names one that does not exist.
        SandboxError: No box is free.
        SelfTestError: No language works here, or an attack on a box succeeded.
    """
    settings = context.settings
    max_limits = max_limits_of(settings)
    toolchains = open_toolchains(context)
    with open_caches(
        context.objects,
        context.bucket,
        max_bytes=settings.cache_max_mb * _BYTES_PER_MB,
        directory=settings.cache_directory,
    ) as caches:

        @contextmanager
        def open_grader() -> Iterator[Grader]:
            with Box.claim(settings.launcher_path) as box:
                run_self_test(box)
                context.log.info("Sandbox holds", box=box.number, **describe_host())
                yield Grader(
                    store=context.objects,
                    bucket=context.bucket,
                    max_limits=max_limits,
                    box=box,
                    caches=caches,
                    log=context.log,
                    find_language=toolchains.find,
                    fork_servers=settings.warm_interpreters,
                    progress=context.progress,
                )

        yield HandlerSpec(GradingRequest, open_grader, detail=toolchains.describe())


def max_limits_of(settings: WorkerSettings) -> MaxLimits:
    """Return the maximum limits of a request on a worker with these settings."""
    return MaxLimits(
        time_limit_ms=settings.max_time_limit_ms,
        memory_limit_mb=settings.max_memory_limit_mb,
        source_bytes=settings.max_source_bytes,
    )


def open_toolchains(context: HandlerContext) -> Toolchains:
    """Test the languages, once for all handlers of a worker; raises as `grading`."""

    def test() -> Toolchains:
        installed = detect(choose(context.settings.languages))
        with Box.claim(context.settings.launcher_path) as box:
            return Toolchains.open(box, installed, context.log)

    return context.once("toolchains", test)
