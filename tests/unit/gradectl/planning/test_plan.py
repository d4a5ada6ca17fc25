"""Plans are counted, explained and compared with reviewed ones, without secrets."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gradectl.planning.plan import Action, differences, normalised, parse_plan

SALT = "salt"


def resource(address: str, actions: list[str], **change: Any) -> dict[str, Any]:
    reason = change.pop("action_reason", "")
    kind = address.rsplit(".", 2)[-2]
    return {
        "address": address,
        "type": kind,
        "mode": change.pop("mode", "managed"),
        "action_reason": reason,
        "change": {"actions": actions, **change},
    }


def plan(*resources: dict[str, Any], **rest: Any) -> dict[str, Any]:
    return {"resource_changes": list(resources), **rest}


@pytest.mark.parametrize(
    ("actions", "action"),
    [
        (["create"], Action.CREATE),
        (["update"], Action.UPDATE),
        (["delete"], Action.DELETE),
        (["delete", "create"], Action.REPLACE),
        (["create", "delete"], Action.REPLACE),
        (["forget"], Action.FORGET),
    ],
)
def test_each_action_is_counted(actions: list[str], action: Action) -> None:
    """Both orders of a replacement are one replacement."""
    counts = parse_plan(plan(resource("aws_vpc.this", actions))).counts

    assert counts[action] == 1
    assert sum(counts.values()) == 1


@pytest.mark.parametrize("actions", [["no-op"], ["read"]])
def test_an_unchanged_resource_is_not_a_change(actions: list[str]) -> None:
    """Reading a data source changes nothing."""
    found = parse_plan(plan(resource("aws_vpc.this", actions)))

    assert found.empty
    assert found.headline == "no changes"


def test_the_outcome_is_in_the_past_tense() -> None:
    """The wording shows whether the changes are done."""
    found = parse_plan(plan(resource("aws_vpc.b", ["create"]), resource("aws_vpc.a", ["delete"])))

    assert found.headline == "1 to create, 1 to delete"
    assert found.outcome == "1 created, 1 deleted"


def test_changes_come_in_order_of_address() -> None:
    """Two runs show the same list."""
    found = parse_plan(plan(resource("aws_vpc.b", ["create"]), resource("aws_vpc.a", ["create"])))

    assert [change.address for change in found.changes] == ["aws_vpc.a", "aws_vpc.b"]


def test_an_update_names_what_changes() -> None:
    """Attributes that differ, and those known only after the apply."""
    found = parse_plan(
        plan(
            resource(
                "aws_vpc.this",
                ["update"],
                before={"a": 1, "b": 1, "c": [], "d": 1},
                after={"a": 2, "b": 1, "c": [{}], "d": 1},
                after_unknown={"id": True, "c": [{"x": True}], "d": [{}]},
            )
        )
    )

    assert found.changes[0].attributes == ("a", "c", "id")


def test_a_replacement_names_the_forcing_attribute() -> None:
    """The path has Terraform's format."""
    found = parse_plan(
        plan(
            resource(
                "module.x.aws_mq_broker.this",
                ["delete", "create"],
                before={"user": [{"username": "a"}]},
                after={"user": [{"username": "b"}]},
                replace_paths=[["user", 0, "username"]],
            )
        )
    )

    assert found.changes[0].reason == "user[0].username cannot be changed in place"
    assert found.losses == found.changes


@pytest.mark.parametrize(
    "kind", ["aws_mq_broker", "aws_db_instance", "aws_s3_bucket", "aws_sqs_queue"]
)
def test_losing_something_stateful_is_a_loss(kind: str) -> None:
    """The data of a broker, database or bucket cannot be recreated."""
    gone = parse_plan(plan(resource(f"{kind}.this", ["delete"])))
    changed = parse_plan(plan(resource(f"{kind}.this", ["update"])))

    assert gone.losses
    assert not changed.losses


def test_secrets_are_not_in_the_plan() -> None:
    """Terraform's JSON has them in clear text; rows and the reviewed file must not."""
    found = parse_plan(
        plan(
            resource(
                "aws_db_instance.this",
                ["update"],
                before={"password": "old-secret"},
                after={"password": "new-secret"},
                before_sensitive={"password": True},
                after_sensitive={"password": True},
            )
        )
    )

    assert found.changes[0].attributes == ("password",)
    assert "secret" not in json.dumps(normalised(found, SALT)) + repr(found)


def test_a_changed_secret_is_a_difference() -> None:
    """Masking must not hide a change from the review."""

    def with_secret(value: str) -> dict[str, Any]:
        change = resource("x.y", ["create"], after={"p": value}, after_sensitive={"p": True})
        return normalised(parse_plan(plan(change)), SALT)

    assert differences(with_secret("a"), with_secret("b")) == ["x.y"]
    assert differences(with_secret("a"), with_secret("a")) == []
    assert '"a"' not in json.dumps(with_secret("a"))


def test_equal_plans_have_no_differences() -> None:
    """Also after writing and reading a file."""
    found = normalised(parse_plan(plan(resource("aws_vpc.this", ["create"], after={"a": 1}))), SALT)

    assert differences(json.loads(json.dumps(found)), found) == []


def test_differences_name_resources_and_outputs() -> None:
    """The reviewer sees what to check again."""
    reviewed = normalised(parse_plan(plan(resource("aws_vpc.a", ["create"], after={"a": 1}))), SALT)
    fresh = normalised(
        parse_plan(
            plan(
                resource("aws_vpc.a", ["create"], after={"a": 2}),
                resource("aws_vpc.b", ["delete"]),
                output_changes={"id": {"actions": ["create"]}},
            )
        ),
        SALT,
    )

    assert differences(reviewed, fresh) == ["aws_vpc.a", "aws_vpc.b", "output id"]


def test_the_headline_leaves_zeros_out() -> None:
    """One line with the counts."""
    found = parse_plan(plan(resource("aws_vpc.a", ["create"]), resource("aws_vpc.b", ["delete"])))

    assert found.headline == "1 to create, 1 to delete"


def test_planned_outputs_are_those_that_are_known_and_public() -> None:
    """A dry run reads them; an unknown one has no value yet, and a sensitive one is not kept."""
    outputs = {
        "users": {"sensitive": False, "value": {"web": "/dev/mq-web/password"}},
        "none": {"sensitive": False, "value": None},
        "id": {"sensitive": False},
        "token": {"sensitive": True, "value": "secret"},
    }

    found = parse_plan(plan(planned_values={"outputs": outputs}))

    assert found.planned_outputs == {"users": {"web": "/dev/mq-web/password"}, "none": None}
    assert found.unknown_outputs == {"id"}
    assert "secret" not in repr(found)
