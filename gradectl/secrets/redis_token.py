"""Gives Redis the token in SSM, which Terraform's state must not have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gradectl.adapters.aws.account import Aws
from gradectl.adapters.aws.caches import ROTATE, SET, ReplicationGroup
from gradectl.errors import TryAgainError
from gradectl.planning.plan import Action, Plan
from gradectl.rollouts.polling import MakePause, pauses
from gradectl.ui import Ui

#: Tag of the replication group: version of the SSM parameter whose value it has.
_VERSION_TAG = "gradectl:token-version"
_GROUP_ID, _PASSWORD = "redis_replication_group_id", "redis_password_parameter"
_REWRITTEN = frozenset({Action.CREATE, Action.UPDATE, Action.REPLACE})
_WAIT_SECONDS = 900.0


def preview_redis_token(aws: Aws, ui: Ui, plan: Plan) -> None:
    """
    Say whether an apply would change the token of Redis; reads only.

    Args:
        aws: The account.
        ui: The terminal.
        plan: Terraform's plan.
    """
    if _GROUP_ID in plan.unknown_outputs:
        ui.say("token of Redis: set when Redis has been created")
        return
    group_id, parameter = _named(plan.planned_outputs)
    if not group_id:
        return
    if any(
        change.kind == "aws_ssm_parameter"
        and change.action in _REWRITTEN
        and change.after.get("name") == parameter
        for change in plan.changes
    ):
        ui.say(f"token of Redis {group_id}: the new value of {parameter}")
        return
    version, group = aws.parameter_version(parameter), aws.caches.get(group_id)
    same = group.tags.get(_VERSION_TAG) == str(version)
    change = "no change" if same else f"version {version} of {parameter}"
    ui.say(f"token of Redis {group_id}: {change}")


def sync_redis_token(
    aws: Aws, ui: Ui, outputs: Mapping[str, Any], *, make_pause: MakePause = pauses
) -> bool:
    """
    Give Redis the token in SSM; does nothing if it has that.

    Terraform sets a random token at creation. Clients that are connected stay connected; afterwards
    only the new token lets clients in.

    Args:
        aws: The account.
        ui: The terminal.
        outputs: Outputs of the root: `redis_replication_group_id` and `redis_password_parameter`,
            which are null or absent without a Redis of its own.
        make_pause: Makes the pauses between two polls.

    Returns:
        Whether the token was changed.

    Raises:
        TryAgainError: Redis was not available in time.
    """
    group_id, parameter = _named(outputs)
    if not group_id:
        return False
    version, group = aws.parameter_version(parameter), aws.caches.get(group_id)
    if group.tags.get(_VERSION_TAG) == str(version):
        return False
    ui.say(f"setting the token of Redis {group_id}: version {version} of {parameter}")
    token = aws.parameters([parameter])[parameter]
    for strategy in (ROTATE, SET):  # AWS allows SET only for the token of a rotation
        aws.caches.change_token(_available(aws, group_id, make_pause), token, strategy)
    aws.caches.tag(_available(aws, group_id, make_pause), {_VERSION_TAG: str(version)})
    return True


def _named(outputs: Mapping[str, Any]) -> tuple[str, str]:
    """Replication group and parameter; empty without a Redis of its own."""
    group_id, parameter = (str(outputs.get(name) or "") for name in (_GROUP_ID, _PASSWORD))
    return (group_id, parameter) if group_id and parameter else ("", "")


def _available(aws: Aws, group_id: str, make_pause: MakePause) -> ReplicationGroup:
    """Wait until a replication group can be changed."""
    pause = make_pause(_WAIT_SECONDS)
    while True:
        group = aws.caches.get(group_id)
        if group.ready:
            return group
        if not pause():
            raise TryAgainError(
                f"Redis is {group.state}",
                where=f"replication group {group_id}",
                next_step="wait until it is available, and apply again",
            )
