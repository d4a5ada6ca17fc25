"""
Compiles what is answered to each system call to a seccomp filter; pure.

A filter is a program of the classic BPF machine: it looks up the number of the call in a tree of
comparisons and then tries the rules of the call in order. libseccomp is not used for this, since it
compares arguments in 64 bits where the kernel reads 32, and has no "otherwise" within a call.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

#: Answers, as the kernel defines them.
ALLOW = 0x7FFF_0000
KILL = 0x8000_0000
#: The launcher answers instead.
NOTIFY = 0x7FC0_0000
_ERROR = 0x0005_0000
_ERROR_MASK = 0x0FFF

_ALL_BITS = 0xFFFF_FFFF
#: Numbers from here on belong to another set of calls of the same architecture (x32).
_OTHER_CALLS = 0x4000_0000

_LOAD, _AND, _RETURN, _JUMP = 0x20, 0x54, 0x06, 0x05
_IF_EQUAL, _IF_AT_LEAST = 0x15, 0x35
_LONGEST_IF = 0xFF
#: Offsets in what the kernel shows to a filter; both architectures are little-endian.
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16

_Instruction = tuple[int, int, int, int]
_INSTRUCTION = struct.Struct("=HBBI")


def error(code: int) -> int:
    """Return the answer that fails a call with this error; 0 lets it succeed without effect."""
    return _ERROR | code


def error_of(answer: int) -> int | None:
    """Return the error of an answer; None if it is another kind of answer."""
    return answer & _ERROR_MASK if answer & ~_ERROR_MASK == _ERROR else None


@dataclass(frozen=True)
class Match:
    """
    A condition on half of an argument.

    Only pointers are compared in both halves. Of all other arguments the kernel reads the low 32
    bits, so a filter must not look at the others.

    Args:
        argument: Position of the argument, from 0.
        value: Value of the selected bits.
        mask: The selected bits.
        high: Whether it is the upper half.
    """

    argument: int
    value: int
    mask: int = _ALL_BITS
    high: bool = False


def same_pointer(argument: int, value: int) -> tuple[Match, Match]:
    """Return the conditions for an argument of 64 bits."""
    return Match(argument, value >> 32, high=True), Match(argument, value & _ALL_BITS)


@dataclass(frozen=True)
class Rule:
    """
    The answer to a call whose arguments fulfil all conditions.

    Args:
        answer: The answer.
        matches: The conditions.
    """

    answer: int
    matches: tuple[Match, ...] = ()


def compile_filter(architecture: int, calls: Mapping[int, Sequence[Rule]], otherwise: int) -> bytes:
    """
    Compile a filter to instructions of 8 bytes.

    Args:
        architecture: The only one whose calls are not fatal, as in linux/audit.h.
        calls: Rules by number of the call; the first that matches counts, and the last of each call
            has no condition.
        otherwise: Answer to all other calls.
    """
    unknown: Sequence[Rule] = (Rule(otherwise),)
    starts: dict[int, Sequence[Rule]] = {0: unknown, _OTHER_CALLS: (Rule(KILL),)}
    for number in sorted(calls):
        starts[number] = calls[number]
        starts.setdefault(number + 1, unknown)
    ordered = sorted(starts.items())
    ranges = ordered[:1] + [new for old, new in pairwise(ordered) if new[1] != old[1]]
    code = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_IF_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, KILL),
        (_LOAD, 0, 0, _NUMBER),
        *_search(ranges),
    ]
    return b"".join(_INSTRUCTION.pack(*instruction) for instruction in code)


def _search(ranges: Sequence[tuple[int, Sequence[Rule]]]) -> list[_Instruction]:
    """Compile a binary search for the range of the number, which is loaded."""
    if len(ranges) == 1:
        return [line for rule in ranges[0][1] for line in _try(rule)]
    middle = len(ranges) // 2
    lower, upper = _search(ranges[:middle]), _search(ranges[middle:])
    if len(lower) <= _LONGEST_IF:
        return [(_IF_AT_LEAST, len(lower), 0, ranges[middle][0]), *lower, *upper]
    over = (_JUMP, 0, 0, len(lower))
    return [(_IF_AT_LEAST, 0, 1, ranges[middle][0]), over, *lower, *upper]


def _try(rule: Rule) -> list[_Instruction]:
    """Compile a rule: its answer, or the next instruction where a condition does not hold."""
    code = [(_RETURN, 0, 0, rule.answer)]
    for match in reversed(rule.matches):
        load = (_LOAD, 0, 0, _ARGUMENTS + 8 * match.argument + 4 * match.high)
        select = [(_AND, 0, 0, match.mask)] if match.mask != _ALL_BITS else []
        code = [load, *select, (_IF_EQUAL, 0, len(code), match.value), *code]
    return code
