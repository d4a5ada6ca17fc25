"""The default work: grade submissions in the sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from grader.caches import Shared, open_caches
from grader.contract.messages import GradingRequest
from grader.core.limits import Ceilings
from grader.grade import open_handler
from grader.handlers import Tools, Work
from grader.ports import JobHandler
from grader.sandbox import Box
from grader.toolchains import Toolchains, choose, survey

_BYTES_PER_MB = 1 << 20


def grading(tools: Tools) -> Work[GradingRequest]:
    """
    Give the work, a slot of the sandbox for each slot of the worker.

    Raises:
        SettingsError: The launcher cannot be run, or LANGUAGES names one that does not exist.
        SandboxError: No slot is free.
        SelfTestError: No language works here.
    """
    settings = tools.settings
    ceilings = Ceilings(
        time_limit_ms=settings.max_time_limit_ms,
        memory_limit_mb=settings.max_memory_limit_mb,
        source_bytes=settings.max_source_bytes,
    )
    installed = survey(choose(settings.languages))
    with Box.claim(settings.launcher_path) as box:
        toolchains = Toolchains.open(box, installed, tools.log)
    shared = Shared(
        partial(
            open_caches,
            tools.objects,
            tools.bucket,
            max_bytes=settings.cache_max_mb * _BYTES_PER_MB,
            directory=settings.cache_directory,
        )
    )

    @contextmanager
    def open_slot() -> Iterator[JobHandler[GradingRequest]]:
        with (
            shared.use() as caches,
            open_handler(
                store=tools.objects,
                bucket=tools.bucket,
                ceilings=ceilings,
                launcher=settings.launcher_path,
                log=tools.log,
                find_language=toolchains.find,
                caches=caches,
                warm=settings.warm_interpreters,
            ) as handler,
        ):
            yield handler

    return Work(GradingRequest, open_slot, detail=toolchains.describe())
