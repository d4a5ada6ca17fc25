"""System call policies as seccomp filters."""

from __future__ import annotations

import pytest

from grader.sandbox.policy import EXEC_MARK, POLICIES, Policy, export

_INSTRUCTION_BYTES = 8
_KERNEL_MAX_INSTRUCTIONS = 4096


@pytest.mark.parametrize("policy", POLICIES, ids=lambda one: one.name)
def test_a_policy_is_a_filter_that_the_kernel_accepts(policy: Policy) -> None:
    """Complete instructions, no more than the kernel allows."""
    code = export(policy)

    assert len(code) % _INSTRUCTION_BYTES == 0
    assert 0 < len(code) // _INSTRUCTION_BYTES <= _KERNEL_MAX_INSTRUCTIONS


@pytest.mark.parametrize("policy", POLICIES, ids=lambda one: one.name)
def test_only_a_policy_without_other_programs_has_the_mark(policy: Policy) -> None:
    """The launcher replaces both halves of the mark, so each must occur unchanged."""
    code = export(policy)
    operands = {code[at + 4 : at + 8] for at in range(0, len(code), _INSTRUCTION_BYTES)}
    halves = {(EXEC_MARK >> 32).to_bytes(4, "little"), (EXEC_MARK % 2**32).to_bytes(4, "little")}

    assert (halves <= operands) is not policy.programs
    assert (not halves & operands) is policy.programs
