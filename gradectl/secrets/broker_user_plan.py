"""Plans the changes of a broker's users: create, update, delete, groups and tags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gradectl.adapters.aws.models import KnownUser
from gradectl.errors import ConfigurationError

#: Users other than the admin, named after their role.
ROLES = ("operator", "web", "worker")
#: Part of the SSM name of a user's password -> the user's group in the authorization map.
GROUPS = {
    "mq": "grading-admins",
    "mq-operator": "grading-operators",
    "mq-web": "grading-web",
    "mq-worker": "grading-workers",
}
#: Broker tag: version of the SSM parameter with the admin's current password.
VERSION_TAG = "gradectl:password-version"
#: The same for every other user; a user with this tag was created by gradectl.
_USER_TAG = "gradectl:user:"
_DISABLED = "disabled"  # value of the tag of a user whose password is stored nowhere
_OUR_GROUPS = "grading-"  # prefix; groups with other names stay unchanged
_ADMIN_PART = "mq"


@dataclass(frozen=True)
class WantedUser:
    """
    The desired state of a user.

    Attributes:
        name: User name.
        parameter: SSM parameter of the password; "" for a user that no one can log in as.
        version: Version of the parameter.
        group: Its `grading-*` group; None leaves its groups unchanged.
        changed: Whether its password differs, or may differ, from its current one.
        tagged_by_name: Whether its tag has its name although it is the administrator; so it is for
            roots other than ours, whose parameters have names of their own.
    """

    name: str
    parameter: str
    version: int
    group: str | None = None
    changed: bool = True
    tagged_by_name: bool = False

    @property
    def disabled(self) -> bool:
        """Whether it gets a password that is stored nowhere."""
        return not self.parameter

    @property
    def tag(self) -> str:
        """The tag with the version of its current password."""
        administrator = self.parameter.split("/")[-2:-1] == [_ADMIN_PART]
        return VERSION_TAG if administrator and not self.tagged_by_name else user_tag(self.name)

    @property
    def mark(self) -> str:
        """The value of its tag."""
        return _DISABLED if self.disabled else str(self.version)


@dataclass(frozen=True)
class UserPlan:
    """
    The changes that give the broker the wanted users.

    Attributes:
        create: Missing users.
        update: Users with a different password or group.
        delete: Users that gradectl created and that are no longer wanted.
        unmanaged: Other users that are not wanted; gradectl leaves them unchanged.
        set_tags: Tags to set afterwards.
        drop_tags: Tags to remove afterwards.
    """

    create: tuple[WantedUser, ...] = ()
    update: tuple[WantedUser, ...] = ()
    delete: tuple[str, ...] = ()
    unmanaged: tuple[str, ...] = ()
    set_tags: Mapping[str, str] = field(default_factory=dict)
    drop_tags: tuple[str, ...] = ()

    @property
    def needs_reboot(self) -> bool:
        """Whether the changes need a reboot to take effect."""
        return bool(self.create or self.update or self.delete)


def user_tag(name: str) -> str:
    """The tag of a user; tags cannot contain a tilde, and user names no equals sign."""
    return _USER_TAG + name.replace("~", "=")


def recorded_version(user: WantedUser, tags: Mapping[str, str]) -> int | None:
    """The version of a user's current password; None without a valid tag."""
    recorded = tags.get(user.tag, "")
    return int(recorded) if recorded.isdigit() else None


def group_of(parameter: str) -> str | None:
    """
    Return the group of a user.

    Args:
        parameter: SSM parameter of its password, such as `/dev/mq-web/password`.

    Raises:
        ConfigurationError: The parameter has another form.
    """
    match parameter.split("/"):
        case [_, _, *_, part, "password"]:
            return GROUPS.get(part)
    raise ConfigurationError(
        f"{parameter!r} is not the parameter of a broker user's password",
        where="output broker_users",
        next_step="map each user to its parameter, such as /dev/mq-web/password",
    )


def groups_of(user: WantedUser, known: KnownUser | None) -> frozenset[str]:
    """The groups a user should have: its `grading-*` group and all groups with other names."""
    has = known.groups if known else frozenset()
    if user.group is None:
        return has
    return frozenset(name for name in has if not name.startswith(_OUR_GROUPS)) | {user.group}


def plan_users(
    wanted: Sequence[WantedUser],
    known: Mapping[str, KnownUser],
    tags: Mapping[str, str],
    *,
    complete: bool,
) -> UserPlan:
    """
    Compare the wanted users with those of the broker.

    Args:
        wanted: The wanted users.
        known: The users of the broker, by name.
        tags: The tags of the broker.
        complete: Whether `wanted` is the complete list, so that others can be deleted.
    """
    names = {user.name for user in wanted}
    others = [name for name in sorted(known) if name not in names] if complete else []
    kept_tags = {user.tag for user in wanted}
    stale = [tag for tag in sorted(tags) if tag.startswith(_USER_TAG) and tag not in kept_tags]
    return UserPlan(
        create=tuple(user for user in wanted if user.name not in known),
        update=tuple(
            user
            for user in wanted
            if (has := known.get(user.name))
            and (user.changed or groups_of(user, has) != has.groups)
        ),
        delete=tuple(name for name in others if user_tag(name) in tags),
        unmanaged=tuple(name for name in others if user_tag(name) not in tags),
        set_tags={user.tag: user.mark for user in wanted if tags.get(user.tag) != user.mark},
        drop_tags=tuple(stale) if complete else (),
    )
