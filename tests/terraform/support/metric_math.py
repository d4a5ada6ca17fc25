"""The part of CloudWatch's metric math that our alarms use, as AWS documents it."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping

#: What a metric or expression says of one minute; None where it says nothing.
Value = float | None

_OPERATORS: Mapping[type[ast.AST], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Div: operator.truediv,
    ast.Mult: operator.mul,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
}


def answer(expression: str, **minute: float | None) -> Value:
    """Say what an expression gives for one minute; a metric that is not given has no number."""
    text = expression.replace(" AND ", " and ").replace(" OR ", " or ").replace("IF(", "_IF(")
    return _value(ast.parse(text, mode="eval").body, minute)


def _value(node: ast.expr, minute: Mapping[str, Value]) -> Value:
    """The value of a part of an expression; what is missing makes the whole missing."""
    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id=name):
            return minute.get(name)
        case ast.BinOp(left=left, op=sign, right=right):
            return _both(left, sign, right, minute)
        case ast.Compare(left=left, ops=[sign], comparators=[right]):
            return _both(left, sign, right, minute)
        case ast.BoolOp():
            return _joined(node, minute)
        case ast.Call():
            return _called(node, minute)
    raise AssertionError(ast.dump(node))


def _joined(node: ast.BoolOp, minute: Mapping[str, Value]) -> Value:
    """All of the parts, or any of them."""
    found = [_value(part, minute) for part in node.values]
    if None in found:
        return None
    return float(all(found) if isinstance(node.op, ast.And) else any(found))


def _called(node: ast.Call, minute: Mapping[str, Value]) -> Value:
    """The result of FILL or IF."""
    match node:
        case ast.Call(func=ast.Name(id="FILL"), args=[metric, other]):
            found = _value(metric, minute)
            return _value(other, minute) if found is None else found
        case ast.Call(func=ast.Name(id="_IF"), args=[condition, then, *otherwise]):
            return _chosen(condition, then, otherwise, minute)
    raise AssertionError(ast.dump(node))


def _both(left: ast.expr, sign: ast.AST, right: ast.expr, minute: Mapping[str, Value]) -> Value:
    """The result of an operator."""
    one, other = _value(left, minute), _value(right, minute)
    if one is None or other is None:
        return None
    return float(_OPERATORS[type(sign)](one, other))


def _chosen(
    condition: ast.expr, then: ast.expr, otherwise: list[ast.expr], minute: Mapping[str, Value]
) -> Value:
    """One or the other; without an else, or a condition, the minute is left out."""
    found = _value(condition, minute)
    if found is None:
        return None
    if found:
        return _value(then, minute)
    return _value(otherwise[0], minute) if otherwise else None
