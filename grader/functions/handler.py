"""The handler `function`: runs functions in the sandbox, with warm interpreters."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from grader.cache.directory import own_directory
from grader.cache.files import FileCache
from grader.cache.programs import ProgramCache
from grader.contract.functions import FunctionRequest
from grader.errors import RequestError, TemporaryError
from grader.functions.code import FunctionStore
from grader.functions.history import RecentPeaks
from grader.functions.pool import WarmPool
from grader.functions.runner import FunctionRunner, server_limits
from grader.handlers import HandlerContext, HandlerSpec
from grader.judge.handler import max_limits_of, open_toolchains
from grader.judge.languages_check import Toolchains
from grader.languages import LANGUAGES, Language
from grader.sandbox import Box
from grader.sandbox.host import describe_host
from grader.sandbox.launcher import Launcher
from grader.sandbox.runs import Role, RunSpec
from grader.sandbox.selftest import run_self_test

_BYTES_PER_MB = 1 << 20
#: Warm boxes for each consumer: while one is cleaned, the next is ready.
_BOXES_PER_CONSUMER = 2
_SPARE_BOXES = 2
#: Boxes of each consumer: one for each handler that uses the sandbox.
_KINDS = 2
#: Part of CACHE_MAX_MB for functions, if they do not share a directory with grading.
_CACHE_SHARE = 4


@contextmanager
def function(context: HandlerContext) -> Iterator[HandlerSpec[FunctionRequest]]:
    """
    Open what all consumers share, and give each a runner with a box of its own.

    Args:
        context: Settings, bucket, log and last runs of the worker.

    Raises:
        SettingsError: The launcher cannot be run, or LANGUAGES names one that does not exist.
        SandboxError: No box is free.
        SelfTestError: No language works here, or an attack on a box succeeded.
    """
    toolchains = open_toolchains(context)
    pool = _make_pool(context, toolchains)
    peaks = RecentPeaks(context.history, context.log)
    with _cache(context) as files, pool.in_background():
        functions = FunctionStore(context.objects, files, context.settings.max_source_bytes)

        @contextmanager
        def open_runner() -> Iterator[FunctionRunner]:
            with Box.claim(context.settings.launcher_path) as box:
                context.once("sandbox of functions", lambda: _test(box, context))
                yield FunctionRunner(
                    functions=functions,
                    objects=context.objects,
                    bucket=context.bucket,
                    max_limits=max_limits_of(context.settings),
                    output_bytes=context.settings.function_max_output_bytes,
                    box=box,
                    pool=pool,
                    programs=ProgramCache(files),
                    peaks=peaks,
                    find_language=toolchains.find,
                    log=context.log,
                )

        detail = f"functions; warm: {', '.join(pool.runtimes) or 'none'}"
        yield HandlerSpec(FunctionRequest, open_runner, detail, marker="functionId")


def _make_pool(context: HandlerContext, toolchains: Toolchains) -> WarmPool:
    settings = context.settings
    is_on = settings.warm_interpreters and settings.function_pool_mb
    runtimes = {
        language.name: _server(language, context)
        for language in LANGUAGES
        if is_on and language.function_server_argv and _works(language, toolchains)
    }
    boxes = Launcher.open(settings.launcher_path).boxes
    return WarmPool(
        runtimes=runtimes,
        claim=lambda stack: _claim_spare(stack, settings.launcher_path),
        budget_mb=settings.function_pool_mb,
        most=most_warm_boxes(boxes, settings.worker_slots),
        log=context.log,
    )


def most_warm_boxes(boxes: int, consumers: int) -> int:
    """
    Return how many boxes the pool may have, so that each consumer finds its own.

    Args:
        boxes: Boxes of the launcher.
        consumers: Consumers of the worker; each needs one for grading and one for functions.
    """
    wanted = _SPARE_BOXES + _BOXES_PER_CONSUMER * consumers
    return max(0, min(wanted, boxes - _KINDS * consumers - 1))


def _works(language: Language, toolchains: Toolchains) -> bool:
    try:
        toolchains.find(language.name)
    except (RequestError, TemporaryError):
        return False
    return True


def _server(language: Language, context: HandlerContext) -> RunSpec:
    """How the interpreter of a language is started before its function is known."""
    settings = context.settings
    limits = server_limits(language, max_limits_of(settings), settings.function_max_output_bytes)
    nothing = Path(os.devnull)
    return RunSpec(
        role=Role.RUN,
        policy=language.policy,
        argv=language.run_command(limits.memory_mb),
        limits=limits,
        stdin=nothing,
        stdout=nothing,
        stderr=nothing,
        server_argv=language.function_server_argv,
        server_limits=limits,
    )


def _claim_spare(stack: ExitStack, launcher_path: Path) -> Box:
    return stack.enter_context(Box.claim(launcher_path, spare=True))


def _test(box: Box, context: HandlerContext) -> None:
    """Attack the sandbox, once: all boxes are those of one launcher."""
    run_self_test(box)
    context.log.info("Sandbox holds", box=box.number, **describe_host())


@contextmanager
def _cache(context: HandlerContext) -> Iterator[FileCache]:
    """Open the cache of files and programs; a directory of the settings is shared with grading."""
    settings = context.settings
    max_bytes = settings.cache_max_mb * _BYTES_PER_MB
    if settings.cache_directory:
        yield FileCache(settings.cache_directory, max_bytes)
        return
    with own_directory() as directory:
        yield FileCache(directory, max_bytes // _CACHE_SHARE)
