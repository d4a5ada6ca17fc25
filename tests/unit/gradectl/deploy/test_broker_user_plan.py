"""What has to change so that a broker has the users that the root names, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradectl.adapters.aws.models import KnownUser
from gradectl.deploy.broker_user_plan import (
    VERSION_TAG,
    WantedUser,
    group_of,
    groups_of,
    plan_users,
    recorded_version,
    user_tag,
)
from gradectl.errors import ConfigurationError

WEB_TAG = "gradectl:user:web"


def admin(**changes: Any) -> WantedUser:
    values = {"version": 1, "group": "grading-admins", "changed": False, **changes}
    return WantedUser("admin", "/dev/mq/password", **values)


def web(**changes: Any) -> WantedUser:
    values = {"version": 1, "group": "grading-web", "changed": False, **changes}
    return WantedUser("web", "/dev/mq-web/password", **values)


def known(**groups: str) -> dict[str, KnownUser]:
    return {name: KnownUser(name, frozenset(text.split())) for name, text in groups.items()}


def test_what_is_as_it_should_be_is_not_touched() -> None:
    """So a second apply makes no call that changes anything, and no reboot."""
    tags = {VERSION_TAG: "1", WEB_TAG: "1"}
    has = known(admin="grading-admins", web="grading-web")

    plan = plan_users([admin(), web()], has, tags, complete=True)

    assert not plan.needs_reboot
    assert not plan.set_tags
    assert not plan.drop_tags


def test_a_user_that_the_broker_lacks_is_made() -> None:
    """A broker that was made before gets the users that its root names now."""
    plan = plan_users(
        [admin(), web(changed=True)], known(admin="grading-admins"), {}, complete=True
    )

    assert [user.name for user in plan.create] == ["web"]
    assert plan.update == ()
    assert plan.set_tags == {VERSION_TAG: "1", WEB_TAG: "1"}


def test_one_changed_password_touches_one_user() -> None:
    """The others keep their connections' passwords, and their tags."""
    tags = {VERSION_TAG: "1", WEB_TAG: "1"}
    has = known(admin="grading-admins", web="grading-web")

    plan = plan_users([admin(), web(version=2, changed=True)], has, tags, complete=True)

    assert [user.name for user in plan.update] == ["web"]
    assert plan.set_tags == {WEB_TAG: "2"}


def test_a_password_that_was_written_again_unchanged_is_only_noted() -> None:
    """All roles share a version in the root, so raising it writes all of them."""
    tags = {VERSION_TAG: "1", WEB_TAG: "1"}
    has = known(admin="grading-admins", web="grading-web")

    plan = plan_users([admin(version=2), web(version=2)], has, tags, complete=True)

    assert not plan.needs_reboot
    assert plan.set_tags == {VERSION_TAG: "2", WEB_TAG: "2"}


@pytest.mark.parametrize("has", ["", "grading-workers", "grading-web grading-admins"])
def test_a_user_in_other_groups_of_ours_is_put_right(has: str) -> None:
    """Too few rights stop it, too many are what roles are against."""
    plan = plan_users([web()], known(web=has), {WEB_TAG: "1"}, complete=True)

    assert [user.name for user in plan.update] == ["web"]


def test_groups_that_are_not_ours_stay() -> None:
    """Such as those that Amazon MQ itself speaks of."""
    has = known(web="grading-web activemq-webconsole")

    assert not plan_users([web()], has, {WEB_TAG: "1"}, complete=True).needs_reboot
    assert groups_of(web(), known(web="grading-admins other")["web"]) == {"grading-web", "other"}


def test_only_a_user_that_we_made_is_removed() -> None:
    """A tag says so; whoever else is there is named and left alone."""
    has = known(admin="grading-admins", web="grading-web", guest="")
    tags = {VERSION_TAG: "1", WEB_TAG: "3", "gradectl:user:gone": "1", "Owner": "team"}

    plan = plan_users([admin()], has, tags, complete=True)

    assert plan.delete == ("web",)
    assert plan.unmanaged == ("guest",)
    assert plan.drop_tags == ("gradectl:user:gone", WEB_TAG)
    assert plan.needs_reboot


def test_a_root_that_does_not_name_its_users_loses_none() -> None:
    """It is older than the roles; groups are left alone too."""
    has = known(admin="", web="")

    plan = plan_users([admin(group=None)], has, {VERSION_TAG: "1", WEB_TAG: "1"}, complete=False)

    assert (plan.update, plan.delete, plan.unmanaged, plan.drop_tags) == ((), (), (), ())


@given(st.text("abcXYZ019._~-", min_size=1, max_size=20), st.text("ab._~-", min_size=1))
def test_each_name_has_a_tag_of_its_own_that_aws_accepts(one: str, other: str) -> None:
    """A user's name may hold a tilde, which a tag may not."""
    assert "~" not in user_tag(one)
    assert (user_tag(one) == user_tag(other)) == (one == other)


@pytest.mark.parametrize(("noted", "version"), [("7", 7), ("", None), ("seven", None)])
def test_what_is_noted_is_a_number_or_nothing(noted: str, version: int | None) -> None:
    """Nonsense in a tag makes us set the password again, and not fail."""
    assert recorded_version(web(), {WEB_TAG: noted}) == version


@pytest.mark.parametrize(
    ("parameter", "group"),
    [
        ("/dev/mq/password", "grading-admins"),
        ("/dev/mq-web/password", "grading-web"),
        ("/dev/mq-worker/password", "grading-workers"),
        ("/dev/mq-operator/password", "grading-operators"),
        ("/dev/mq-reporting/password", None),
    ],
)
def test_the_parameter_tells_the_group(parameter: str, group: str | None) -> None:
    """The names of users are free, those of the parameters are not."""
    assert group_of(parameter) == group


@pytest.mark.parametrize("parameter", ["password", "/dev/mq-web/username", "/mq/password", ""])
def test_an_output_that_names_something_else_is_refused(parameter: str) -> None:
    """Before any user gets the value of it as a password."""
    with pytest.raises(ConfigurationError) as caught:
        group_of(parameter)

    assert caught.value.where == "output broker_users"
