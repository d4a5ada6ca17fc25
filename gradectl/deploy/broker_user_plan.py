"""Users of a broker: who they are, which group each belongs to, and what a sync has to change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gradectl.adapters.aws.models import KnownUser
from gradectl.errors import ConfigurationError

#: Users besides the admin, called like what they are for.
ROLES = ("operator", "web", "worker")
#: Part of the SSM name that keeps a user's password -> the group that the authorization map knows.
GROUPS = {
    "mq": "grading-admins",
    "mq-operator": "grading-operators",
    "mq-web": "grading-web",
    "mq-worker": "grading-workers",
}
#: Tag of the broker: version of the SSM parameter whose value the admin has, after its reboot.
VERSION_TAG = "gradectl:password-version"
#: The same for each other user; that a user has one says that it is ours to remove.
_USER_TAG = "gradectl:user:"
_OUR_GROUPS = "grading-"  # others that a user is in are no business of ours
_ADMIN_PART = "mq"


@dataclass(frozen=True)
class WantedUser:
    """
    A user as it shall be.

    Attributes:
        name: Who.
        parameter: SSM parameter that keeps the password.
        version: How often that was written.
        group: The one group of ours that it shall be in; None leaves groups alone.
        changed: Whether its password is, or may be, another than the one that it has.
    """

    name: str
    parameter: str
    version: int
    group: str | None = None
    changed: bool = True

    @property
    def tag(self) -> str:
        """The tag that says which version the user has."""
        return VERSION_TAG if self.parameter.split("/")[-2] == _ADMIN_PART else user_tag(self.name)


@dataclass(frozen=True)
class UserPlan:
    """
    What to change so that the broker has the wanted users.

    Attributes:
        create: Users that it lacks.
        update: Users whose password or groups differ.
        delete: Users that we made and that nobody wants any more.
        unmanaged: Users that nobody wants and that we did not make; they are left alone.
        set_tags: Tags to write afterwards.
        drop_tags: Tags to remove afterwards.
    """

    create: tuple[WantedUser, ...] = ()
    update: tuple[WantedUser, ...] = ()
    delete: tuple[str, ...] = ()
    unmanaged: tuple[str, ...] = ()
    set_tags: Mapping[str, str] | None = None
    drop_tags: tuple[str, ...] = ()

    @property
    def needs_reboot(self) -> bool:
        """Whether anything counts only after a reboot."""
        return bool(self.create or self.update or self.delete)


def user_tag(name: str) -> str:
    """Name the tag of a user; a tag may not hold a tilde, and the name of a user no equals sign."""
    return _USER_TAG + name.replace("~", "=")


def recorded_version(user: WantedUser, tags: Mapping[str, str]) -> int | None:
    """Read which version of its password a user has; None when nothing or nonsense is noted."""
    noted = tags.get(user.tag, "")
    return int(noted) if noted.isdigit() else None


def group_of(parameter: str) -> str | None:
    """
    Choose the group of the user whose password a parameter keeps.

    Args:
        parameter: Such as `/dev/mq-web/password`.

    Raises:
        ConfigurationError: It has another form.
    """
    match parameter.split("/"):
        case [_, _, *_, part, "password"]:
            return GROUPS.get(part)
    raise ConfigurationError(
        f"not the parameter of a broker user's password: {parameter!r}",
        where="output broker_users",
        next_step="name each user's parameter, such as /dev/mq-web/password",
    )


def groups_of(user: WantedUser, known: KnownUser | None) -> frozenset[str]:
    """Give the groups that a user shall have: its one of ours, and those that are not ours."""
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
    Find what to change.

    Args:
        wanted: Who shall be there.
        known: Who is there, by name.
        tags: Of the broker.
        complete: Whether `wanted` names everybody, so that others of ours have to go.
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
        set_tags={
            user.tag: str(user.version)
            for user in wanted
            if tags.get(user.tag) != str(user.version)
        },
        drop_tags=tuple(stale) if complete else (),
    )
