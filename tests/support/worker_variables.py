"""The environment variables that every worker on a broker needs."""

from __future__ import annotations

from grader.settings import WorkerSettings


def required() -> set[str]:
    """Names of the variables without a default that is of use.

    The parameters of the broker have an empty default, which is refused unless the transport is
    SQS; that of `ECS_AGENT_URI` comes from ECS itself.
    """
    names = {
        name.upper()
        for name, field in WorkerSettings.model_fields.items()
        if field.is_required() or (field.validate_default and field.default == "")
    }
    return names - {"ECS_AGENT_URI"}
