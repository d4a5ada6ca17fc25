"""Filling the warm pool, within its budget."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
import structlog
from structlog.testing import CapturingLogger
from warm_pools import WAIT_SECONDS, await_ready, eventually

from grader.errors import SandboxError
from grader.functions.pool import WarmBox, WarmPool
from grader.sandbox import Box
from grader.sandbox.runs import Role, RunLimits, RunSpec

LOG = structlog.wrap_logger(CapturingLogger(), processors=[])
LIMITS = RunLimits(1000, 1000, 64, 1000, 16, bound_address_space=True)
NOTHING = Path(os.devnull)
SPEC = RunSpec(Role.RUN, "interpreted", ("python3",), LIMITS, NOTHING, NOTHING, NOTHING)


class FakeBox:
    """A box that notes what is done with it."""

    def __init__(self, machine: Machine) -> None:
        """Belong to a machine."""
        self.machine = machine
        self.done: list[str] = []

    def clean(self) -> None:
        """Clean it; fails while the machine is broken."""
        if self.machine.is_broken:
            raise SandboxError("broken")
        self.done.append("clean")

    def warm_up(self, spec: RunSpec) -> None:
        """Start its interpreter."""
        self.done.append(f"start {spec.policy}")

    def resident_kb(self) -> int:
        """Measure it."""
        self.machine.measured.set()
        return self.machine.interpreter_mb << 10


class Machine:
    """A machine with a number of free boxes."""

    def __init__(self, free: int = 100, interpreter_mb: int = 10) -> None:
        """Have free boxes, in which an interpreter takes this much."""
        self.free = free
        self.interpreter_mb = interpreter_mb
        self.is_broken = False
        self.measured = threading.Event()
        self.refused = threading.Event()
        self.open = 0

    def claim(self, stack: ExitStack) -> Box:
        """Claim a box."""
        if self.open >= self.free:
            self.refused.set()
            raise SandboxError("all boxes are taken")
        self.open += 1
        stack.callback(self.release)
        return cast(Box, FakeBox(self))

    def release(self) -> None:
        """Release a box."""
        self.open -= 1


def pool_of(machine: Machine, **changes: Any) -> WarmPool:
    """A pool on a machine."""
    wanted: dict[str, Any] = {
        "runtimes": {"python": SPEC},
        "budget_mb": 1000,
        "most": 3,
        "settle_seconds": 0.01,
        **changes,
    }
    return WarmPool(claim=machine.claim, log=LOG, **wanted)


@contextmanager
def filled(pool: WarmPool, count: int) -> Iterator[list[WarmBox]]:
    """Fill a pool, and take this many boxes of it."""
    with pool.in_background():
        taken = []
        for _ in range(count):
            assert await_ready(pool, "python")
            warm = pool.take("python")
            assert warm is not None
            taken.append(warm)
        yield taken


def test_a_box_is_used_once_and_comes_back_with_a_new_interpreter() -> None:
    """The background thread cleans it, so no run waits for that."""
    machine = Machine()
    pool = pool_of(machine, most=1)

    with filled(pool, 1) as (warm,):
        assert pool.take("python") is None
        assert fake(warm).done == ["clean", "start interpreted"]
        pool.give_back(warm)
        assert await_ready(pool, "python")
        assert pool.take("python") is warm
        assert fake(warm).done == ["clean", "start interpreted"] * 2


def fake(warm: WarmBox) -> FakeBox:
    """The fake in a box of the pool."""
    return cast(FakeBox, warm.box)


def test_all_boxes_end_with_the_worker() -> None:
    """Also those that are in use."""
    machine = Machine()

    with filled(pool_of(machine), 2):
        assert machine.open >= 2

    assert machine.open == 0


@pytest.mark.parametrize(
    ("budget_mb", "interpreter_mb", "size"), [(50, 10, 5), (50, 30, 1), (50, 60, 0), (15, 10, 0)]
)
def test_the_memory_of_idle_interpreters_stays_within_the_budget(
    budget_mb: int, interpreter_mb: int, size: int
) -> None:
    """Sixteen megabytes are assumed for the first; later ones count as they were measured."""
    machine = Machine(interpreter_mb=interpreter_mb)
    pool = pool_of(machine, budget_mb=budget_mb, most=10)

    with pool.in_background():
        if budget_mb >= 16:
            assert machine.measured.wait(WAIT_SECONDS)
        assert eventually(lambda: pool.size == size)
        assert pool.resident_kb <= budget_mb << 10


def test_several_runtimes_share_the_boxes() -> None:
    """Each has its part, whatever their order."""
    pool = pool_of(Machine(), runtimes={"python": SPEC, "other": SPEC}, most=4)

    with pool.in_background():
        assert eventually(lambda: pool.size == 4)
        for name in ("python", "other"):
            assert await_ready(pool, name)
            assert pool.take(name) is not None
            assert await_ready(pool, name)
        assert pool.take("cpp20") is None


def test_a_full_machine_has_a_smaller_pool_and_is_not_asked_at_each_run() -> None:
    """Grading has the other boxes."""
    machine = Machine(free=1)
    pool = pool_of(machine)

    with filled(pool, 1) as (warm,):
        assert machine.refused.wait(WAIT_SECONDS)
        machine.refused.clear()
        pool.give_back(warm)
        assert await_ready(pool, "python")
        assert not machine.refused.is_set()


def test_a_box_that_cannot_be_cleaned_leaves_the_pool() -> None:
    """Its run is over; functions then start their own interpreter."""
    machine = Machine(free=1)
    pool = pool_of(machine, most=1)

    with filled(pool, 1) as (warm,):
        machine.is_broken = True
        pool.give_back(warm)

        assert eventually(lambda: machine.open == 0)
        assert pool.take("python") is None


@pytest.mark.parametrize("changes", [{"budget_mb": 0}, {"runtimes": {}}])
def test_a_pool_that_is_turned_off_claims_nothing(changes: dict[str, Any]) -> None:
    """No thread, no box."""
    machine = Machine()
    pool = pool_of(machine, **changes)

    with pool.in_background():
        assert pool.take("python") is None
        assert (pool.size, machine.open) == (0, 0)
