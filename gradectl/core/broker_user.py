"""Whether the broker's user has the password that is kept for it."""

from __future__ import annotations

from collections.abc import Mapping

#: Tag of the broker: version of the SSM parameter whose value the user has, after its reboot.
VERSION_TAG = "gradectl:password-version"


def is_current(tags: Mapping[str, str], version: int) -> bool:
    """
    Tell whether there is nothing to do.

    Args:
        tags: Tags of the broker.
        version: Version of the password's SSM parameter.
    """
    return tags.get(VERSION_TAG) == str(version)
