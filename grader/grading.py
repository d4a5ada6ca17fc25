"""The default work: grade submissions in the sandbox."""

from __future__ import annotations

from grader.contract.messages import GradingRequest
from grader.core.limits import Ceilings
from grader.grade import open_handler
from grader.handlers import Tools, Work
from grader.sandbox import Box
from grader.toolchains import Toolchains, choose, survey


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
    return Work(
        GradingRequest,
        lambda: open_handler(
            store=tools.objects,
            bucket=tools.bucket,
            ceilings=ceilings,
            launcher=settings.launcher_path,
            log=tools.log,
            find_language=toolchains.find,
        ),
        detail=toolchains.describe(),
    )
