"""The state is read for names and outputs only."""

from __future__ import annotations

import json

import pytest

from gradectl.deploy.verify.terraform_state import parse_state

STATE = {
    "version": 4,
    "outputs": {
        "broker_id": {"value": "b-1", "type": "string"},
        "secret": {"value": "hidden-1", "type": "string", "sensitive": True},
    },
    "resources": [
        {
            "mode": "managed",
            "type": "aws_mq_broker",
            "instances": [
                {"attributes": {"id": "b-1", "broker_name": "mq", "user": [{"password": "p-1"}]}}
            ],
        },
        {"mode": "data", "type": "aws_s3_bucket", "instances": [{"attributes": {"id": "b"}}]},
    ],
}


def test_managed_resources_are_known_by_id_and_name() -> None:
    """Data sources are not managed."""
    state = parse_state(json.dumps(STATE))

    assert state.applied
    assert state.has("aws_mq_broker", "mq")
    assert state.has("aws_mq_broker", "b-1")
    assert not state.has("aws_s3_bucket", "b")


def test_no_secret_is_kept() -> None:
    """Neither sensitive outputs nor attributes besides names."""
    state = parse_state(json.dumps(STATE))

    assert state.outputs == {"broker_id": "b-1"}
    assert "p-1" not in repr(state)
    assert "hidden-1" not in repr(state)


@pytest.mark.parametrize("text", ['{"encrypted_data": "x"}', '{"version": 5}', "[]", "no json"])
def test_an_unknown_format_is_an_error(text: str) -> None:
    """An encrypted state must not look like an environment that was never applied."""
    with pytest.raises(ValueError):  # noqa: PT011 - any message
        parse_state(text)
