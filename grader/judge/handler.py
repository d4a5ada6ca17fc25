"""The default work: grade submissions in the sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from grader.contract.messages import GradingRequest
from grader.handlers import HandlerContext, HandlerSpec
from grader.judge.caches import open_caches
from grader.judge.grader import open_handler
from grader.judge.languages_check import Toolchains, choose, detect
from grader.judge.limits import MaxLimits
from grader.sandbox import Box

_BYTES_PER_MB = 1 << 20


@contextmanager
def grading(tools: HandlerContext) -> Iterator[HandlerSpec[GradingRequest]]:
    """
    Give the work: caches for all slots of the worker, a slot of the sandbox for each.

    Raises:
        SettingsError: The launcher cannot be run, or LANGUAGES names one that does not exist.
        SandboxError: No slot is free.
        SelfTestError: No language works here.
    """
    settings = tools.settings
    ceilings = MaxLimits(
        time_limit_ms=settings.max_time_limit_ms,
        memory_limit_mb=settings.max_memory_limit_mb,
        source_bytes=settings.max_source_bytes,
    )
    installed = detect(choose(settings.languages))
    with Box.claim(settings.launcher_path) as box:
        toolchains = Toolchains.open(box, installed, tools.log)
    with open_caches(
        tools.objects,
        tools.bucket,
        max_bytes=settings.cache_max_mb * _BYTES_PER_MB,
        directory=settings.cache_directory,
    ) as caches:
        open_slot = partial(
            open_handler,
            store=tools.objects,
            bucket=tools.bucket,
            ceilings=ceilings,
            launcher=settings.launcher_path,
            log=tools.log,
            find_language=toolchains.find,
            caches=caches,
            warm=settings.warm_interpreters,
        )
        yield HandlerSpec(GradingRequest, open_slot, detail=toolchains.describe())
