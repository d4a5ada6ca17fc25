"""Gives Redis the token in SSM, which Terraform's state must not have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gradectl.adapters.aws.account import Aws
from gradectl.adapters.aws.caches import ROTATE, SET, ReplicationGroup
from gradectl.errors import TryAgainError
from gradectl.rollouts.polling import MakePause, pauses
from gradectl.ui import Ui

#: Tag of the replication group: version of the SSM parameter whose value it has.
_VERSION_TAG = "gradectl:token-version"
_WAIT_SECONDS = 900.0


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
    names = ("redis_replication_group_id", "redis_password_parameter")
    group_id, parameter = (str(outputs.get(name) or "") for name in names)
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
