"""System call policies as seccomp filters."""

from __future__ import annotations

import ctypes
import errno
import os
import re
import struct
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence

import pyseccomp
import pytest

from grader.sandbox import calls
from grader.sandbox.filters import ALLOW, KILL, Match, Rule, compile_filter, error, error_of
from grader.sandbox.policy import (
    ARM64,
    EXEC_MARK,
    POLICIES,
    X86_64,
    Policy,
    export,
    number_of,
    rules_of,
)

_INSTRUCTION_BYTES = 8
_KERNEL_MAX_INSTRUCTIONS = 4096
#: Above every call of any kernel so far.
_NUMBERS = range(1000)
_HIGH_BITS = 0xA5A5_A5A5 << 32
_LOW_BITS = 0xFFFF_FFFF
_ARGUMENTS = 6
_GROUPED = Counter(" ".join(calls.GROUPS).split())

every_policy = pytest.mark.parametrize("policy", POLICIES, ids=lambda one: one.name)


def answer_by_rules(rules: Sequence[Rule], arguments: Sequence[int]) -> tuple[Rule, int]:
    """The first rule that matches, and its answer."""
    for rule in rules:
        if all(
            (arguments[one.argument] >> 32 * one.high) & one.mask & _LOW_BITS == one.value
            for one in rule.matches
        ):
            return rule, rule.answer
    raise AssertionError("the last rule has a condition")


def answer_by_filter(code: bytes, architecture: int, number: int, arguments: Sequence[int]) -> int:
    """Execute a filter as the kernel does."""
    data = struct.pack("<IIQ6Q", number, architecture, 0, *(one % 2**64 for one in arguments))
    instructions = list(struct.iter_unpack("<HBBI", code))
    at = accumulator = 0
    while True:
        operation, if_true, if_false, operand = instructions[at]
        at += 1
        match operation:
            case 0x20:
                accumulator = int.from_bytes(data[operand : operand + 4], "little")
            case 0x54:
                accumulator &= operand
            case 0x15:
                at += if_true if accumulator == operand else if_false
            case 0x35:
                at += if_true if accumulator >= operand else if_false
            case 0x05:
                at += operand
            case 0x06:
                return operand
            case _:
                raise AssertionError(f"not an instruction of ours: {operation}")


def trials(rules: Sequence[Rule]) -> Iterator[tuple[int, ...]]:
    """Arguments that reach every rule: its values, each of its bits flipped, and high bits set."""
    for rule in rules:
        low = [0x7FFF_FF00] * _ARGUMENTS
        for match in rule.matches:
            low[match.argument] &= ~(_LOW_BITS << 32 * match.high)
            low[match.argument] |= match.value << 32 * match.high
        pointers = {match.argument for match in rule.matches if match.high}
        flips = [0]
        for match in rule.matches:
            partial = match.mask != _LOW_BITS
            flips += [1 << bit for bit in range(32) if partial and match.mask >> bit & 1]
        for flip in flips:
            flipped = list(low)
            for match in rule.matches[:1]:
                flipped[match.argument] ^= flip
            yield tuple(flipped)
            yield tuple(
                one if at in pointers else one | _HIGH_BITS for at, one in enumerate(flipped)
            )


def answers_of_the_kernel(code: bytes, asked: Sequence[tuple[int, Sequence[int]]]) -> list[int]:
    """Load a filter in a child process and make the calls: the error of each, 0 for none."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writing, _answers_in_this_process(code, asked))
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        answers = list(file.read())
    os.waitpid(child, 0)
    return answers


def _answers_in_this_process(code: bytes, asked: Sequence[tuple[int, Sequence[int]]]) -> bytes:
    libc = ctypes.CDLL(None, use_errno=True)
    instructions = ctypes.create_string_buffer(code, len(code))
    address = ctypes.addressof(instructions)
    program = struct.pack("HxxxxxxQ", len(code) // _INSTRUCTION_BYTES, address)
    no_new_privileges, set_seccomp, with_filter = 38, 22, 2
    assert libc.prctl(no_new_privileges, 1, 0, 0, 0) == 0
    assert libc.prctl(set_seccomp, with_filter, program, 0, 0) == 0
    answers = bytearray()
    for number, arguments in asked:
        ctypes.set_errno(0)
        failed = libc.syscall(ctypes.c_long(number), *map(ctypes.c_long, arguments)) == -1
        answers.append(ctypes.get_errno() if failed else 0)
    return bytes(answers)


@every_policy
@pytest.mark.parametrize("architecture", [X86_64, ARM64], ids=["x86-64", "arm64"])
def test_a_policy_is_a_filter_that_the_kernel_accepts(policy: Policy, architecture: int) -> None:
    """Complete instructions, no more than the kernel allows."""
    code = export(policy, architecture)

    assert len(code) % _INSTRUCTION_BYTES == 0
    assert 0 < len(code) // _INSTRUCTION_BYTES <= _KERNEL_MAX_INSTRUCTIONS


@every_policy
def test_only_a_policy_without_other_programs_has_the_mark(policy: Policy) -> None:
    """The launcher replaces both halves of the mark, so each must occur unchanged."""
    code = export(policy)
    operands = {code[at + 4 : at + 8] for at in range(0, len(code), _INSTRUCTION_BYTES)}
    halves = {(EXEC_MARK >> 32).to_bytes(4, "little"), (EXEC_MARK % 2**32).to_bytes(4, "little")}

    assert (halves <= operands) is not policy.programs
    assert (not halves & operands) is policy.programs


def test_every_call_of_the_headers_of_this_machine_is_in_one_group() -> None:
    """With the right number; the kernel of the headers may be older than the reviewed one."""
    command = ["gcc", "-E", "-dM", "-include", "sys/syscall.h", "-x", "c", "/dev/null"]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    numbers = {name: int(number) for name, number in re.findall(r"__NR_(\w+) (\d+)\n", text)}

    assert len(numbers) > 250
    assert {name for name, count in _GROUPED.items() if count > 1} == set()
    assert set(numbers) - set(_GROUPED) == set()
    found = {name: number_of(name, pyseccomp.system_arch()) for name in numbers}
    assert found == numbers


def test_every_new_call_up_to_the_last_reviewed_one_is_in_a_group() -> None:
    """A call that the headers of this machine do not have yet is reviewed as well."""
    assert set(calls.NEW_NUMBERS) <= set(_GROUPED)
    assert sorted(calls.NEW_NUMBERS.values()) == list(range(424, calls.LAST_REVIEWED + 1))


@every_policy
@pytest.mark.parametrize("architecture", [X86_64, ARM64], ids=["x86-64", "arm64"])
def test_a_filter_answers_what_the_rules_say(policy: Policy, architecture: int) -> None:
    """For every number, also of calls that do not exist, with and without high bits."""
    code = export(policy, architecture)
    rules = {number_of(name, architecture): rules for name, rules in rules_of(policy).items()}
    unknown = (Rule(error(errno.ENOSYS)),)

    for number in _NUMBERS:
        of_call = rules.get(number, unknown)
        for arguments in trials(of_call):
            expected = answer_by_rules(of_call, arguments)[1]
            assert answer_by_filter(code, architecture, number, arguments) == expected


@every_policy
def test_calls_of_other_architectures_are_fatal(policy: Policy) -> None:
    """Their numbers mean other calls."""
    code = export(policy, X86_64)
    nothing = [0] * _ARGUMENTS

    assert answer_by_filter(code, pyseccomp.Arch.X86, 0, nothing) == KILL
    assert answer_by_filter(code, X86_64, 0x4000_0000, nothing) == KILL
    assert answer_by_filter(export(policy, ARM64), pyseccomp.Arch.ARM, 0, nothing) == KILL


@every_policy
def test_the_kernel_refuses_what_a_policy_refuses(policy: Policy) -> None:
    """
    Every refusing rule, with and without bits that the kernel ignores in an int.

    Allowed calls are not made here: with these arguments they would do something.
    """
    rules = rules_of(policy)
    unknown = [number for number in _NUMBERS if number > calls.LAST_REVIEWED]
    asked: list[tuple[int, Sequence[int]]] = [(number, [0] * _ARGUMENTS) for number in unknown]
    expected: list[int] = [errno.ENOSYS] * len(unknown)
    reached = set()
    for name, of_call in rules.items():
        number = number_of(name, pyseccomp.system_arch())
        if number is None:
            continue
        for arguments in trials(of_call):
            rule, answer = answer_by_rules(of_call, arguments)
            code = error_of(answer)
            if code is not None:
                reached.add((name, rule))
                asked.append((number, arguments))
                expected.append(code)

    assert answers_of_the_kernel(export(policy), asked) == expected
    refusing = {
        (name, rule)
        for name, of_call in rules.items()
        if number_of(name, pyseccomp.system_arch()) is not None
        for rule in of_call
        if error_of(rule.answer) is not None
    }
    assert refusing == reached


def test_a_rule_that_reads_all_bits_of_an_int_would_be_found() -> None:
    """Only pointers are compared in both halves."""
    compared = {
        (name, match.argument)
        for policy in POLICIES
        for name, rules in rules_of(policy).items()
        for rule in rules
        for match in rule.matches
        if match.high
    }

    assert compared == {("execve", 1), ("rt_sigaction", 1)}


def test_a_long_filter_jumps_over_more_than_a_short_jump_reaches() -> None:
    """A conditional jump reaches 255 instructions."""
    values = range(100)
    rules = (*(Rule(ALLOW, (Match(0, value),)) for value in values), Rule(error(errno.EPERM)))
    code = compile_filter(X86_64, {1: rules, 2: (Rule(ALLOW),), 3: rules}, error(errno.ENOSYS))

    def answer(number: int, value: int) -> int:
        return answer_by_filter(code, X86_64, number, [value, 0, 0, 0, 0, 0])

    assert [answer(number, 99) for number in range(5)] == [
        error(errno.ENOSYS),
        ALLOW,
        ALLOW,
        ALLOW,
        error(errno.ENOSYS),
    ]
    assert answer(3, 100) == error(errno.EPERM)
