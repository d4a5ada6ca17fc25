"""The planned changes give a broker exactly the users of the root."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradectl.adapters.aws.models import KnownUser
from gradectl.errors import ConfigurationError
from gradectl.secrets.broker_user_plan import (
    VERSION_TAG,
    WantedUser,
    group_of,
    groups_of,
    plan_users,
    recorded_version,
    user_tag,
)

WEB_TAG = "gradectl:user:web"


def admin(**changes: Any) -> WantedUser:
    values = {"version": 1, "group": "grading-admins", "changed": False, **changes}
    return WantedUser("admin", "/dev/mq/password", **values)


def web(**changes: Any) -> WantedUser:
    values = {"version": 1, "group": "grading-web", "changed": False, **changes}
    return WantedUser("web", "/dev/mq-web/password", **values)


def known(**groups: str) -> dict[str, KnownUser]:
    return {name: KnownUser(name, frozenset(text.split())) for name, text in groups.items()}


def test_a_correct_user_is_not_changed() -> None:
    """A second apply changes nothing and does not reboot."""
    tags = {VERSION_TAG: "1", WEB_TAG: "1"}
    has = known(admin="grading-admins", web="grading-web")

    plan = plan_users([admin(), web()], has, tags, complete=True)

    assert not plan.needs_reboot
    assert not plan.set_tags
    assert not plan.drop_tags


def test_a_missing_user_is_created() -> None:
    """An existing broker gets users that were added to the root."""
    plan = plan_users(
        [admin(), web(changed=True)], known(admin="grading-admins"), {}, complete=True
    )

    assert [user.name for user in plan.create] == ["web"]
    assert plan.update == ()
    assert plan.set_tags == {VERSION_TAG: "1", WEB_TAG: "1"}


def test_one_changed_password_touches_one_user() -> None:
    """Passwords and tags of the others stay unchanged."""
    tags = {VERSION_TAG: "1", WEB_TAG: "1"}
    has = known(admin="grading-admins", web="grading-web")

    plan = plan_users([admin(), web(version=2, changed=True)], has, tags, complete=True)

    assert [user.name for user in plan.update] == ["web"]
    assert plan.set_tags == {WEB_TAG: "2"}


def test_a_rewritten_equal_password_changes_only_the_tag() -> None:
    """All roles share one version in the root, so raising it rewrites all parameters."""
    tags = {VERSION_TAG: "1", WEB_TAG: "1"}
    has = known(admin="grading-admins", web="grading-web")

    plan = plan_users([admin(version=2), web(version=2)], has, tags, complete=True)

    assert not plan.needs_reboot
    assert plan.set_tags == {VERSION_TAG: "2", WEB_TAG: "2"}


@pytest.mark.parametrize("has", ["", "grading-workers", "grading-web grading-admins"])
def test_a_user_in_another_managed_group_is_corrected(has: str) -> None:
    """A user needs exactly the rights of its role."""
    plan = plan_users([web()], known(web=has), {WEB_TAG: "1"}, complete=True)

    assert [user.name for user in plan.update] == ["web"]


def test_unmanaged_groups_stay() -> None:
    """For example groups from Amazon MQ's own documentation."""
    has = known(web="grading-web activemq-webconsole")

    assert not plan_users([web()], has, {WEB_TAG: "1"}, complete=True).needs_reboot
    assert groups_of(web(), known(web="grading-admins other")["web"]) == {"grading-web", "other"}


def test_only_users_created_by_gradectl_are_deleted() -> None:
    """A tag marks it; other users are reported and stay unchanged."""
    has = known(admin="grading-admins", web="grading-web", guest="")
    tags = {VERSION_TAG: "1", WEB_TAG: "3", "gradectl:user:gone": "1", "Owner": "team"}

    plan = plan_users([admin()], has, tags, complete=True)

    assert plan.delete == ("web",)
    assert plan.unmanaged == ("guest",)
    assert plan.drop_tags == ("gradectl:user:gone", WEB_TAG)
    assert plan.needs_reboot


def test_a_root_without_broker_users_deletes_none() -> None:
    """It is older than the roles; groups stay unchanged too."""
    has = known(admin="", web="")

    plan = plan_users([admin(group=None)], has, {VERSION_TAG: "1", WEB_TAG: "1"}, complete=False)

    assert (plan.update, plan.delete, plan.unmanaged, plan.drop_tags) == ((), (), (), ())


@given(st.text("abcXYZ019._~-", min_size=1, max_size=20), st.text("ab._~-", min_size=1))
def test_each_name_has_its_own_valid_tag(one: str, other: str) -> None:
    """User names may contain a tilde, tags may not."""
    assert "~" not in user_tag(one)
    assert (user_tag(one) == user_tag(other)) == (one == other)


@pytest.mark.parametrize(("noted", "version"), [("7", 7), ("", None), ("seven", None)])
def test_a_recorded_version_is_a_number_or_none(noted: str, version: int | None) -> None:
    """An invalid tag leads to a new password instead of an error."""
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
def test_the_group_follows_from_the_parameter(parameter: str, group: str | None) -> None:
    """User names are free, parameter names are fixed."""
    assert group_of(parameter) == group


@pytest.mark.parametrize("parameter", ["password", "/dev/mq-web/username", "/mq/password", ""])
def test_an_output_with_another_parameter_is_refused(parameter: str) -> None:
    """Before a user gets its value as a password."""
    with pytest.raises(ConfigurationError) as caught:
        group_of(parameter)

    assert caught.value.where == "output broker_users"
