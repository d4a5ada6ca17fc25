"""A destroy says whose data remains, and what AWS would refuse to delete."""

from __future__ import annotations

from typing import Any

import pytest
from plans import item, plan_of

from gradectl.planning.keeping import fates, kept_buckets, protected


@pytest.mark.parametrize(
    ("address", "values", "kept", "words"),
    [
        ("aws_db_instance.a", {"final_snapshot_identifier": "x-final"}, True, "snapshot x-final"),
        ("aws_db_instance.a", {"skip_final_snapshot": True}, False, "all rows are lost"),
        ("aws_db_instance.a", {"skip_final_snapshot": False}, False, "all rows are lost"),
        ("aws_s3_bucket.a", {"bucket": "b", "force_destroy": True}, False, "files of b are lost"),
        ("aws_s3_bucket.a", {"bucket": "b"}, True, "only when it is empty"),
        ("aws_mq_broker.a", {}, False, "messages in its queues are lost"),
        ("aws_sqs_queue.a", {"name": "q"}, False, "messages in q are lost"),
        ("aws_ecr_repository.a", {}, False, "lost"),
    ],
)
def test_the_fate_of_data_is_stated(
    address: str, values: dict[str, Any], kept: bool, words: str
) -> None:
    """From the settings that the account has now."""
    (fate,) = fates(plan_of(item(address, None, values)))

    assert (fate.address, fate.kept) == (address, kept)
    assert words in fate.text


def test_what_is_protected_is_found_before_anything_is_deleted() -> None:
    """Terraform would delete everything else first."""
    plan = plan_of(
        item("aws_db_instance.a", None, {"deletion_protection": True}),
        item("aws_db_instance.b", None, {"deletion_protection": False}),
        item("aws_lb.a", None, {"enable_deletion_protection": True}),
        item("aws_db_instance.c", {"deletion_protection": True}),
    )

    assert protected(plan) == [
        "aws_db_instance.a: deletion_protection is on",
        "aws_lb.a: enable_deletion_protection is on",
    ]


def test_only_buckets_that_are_not_disposable_have_to_be_empty() -> None:
    """A bucket with force_destroy is emptied by Terraform."""
    plan = plan_of(
        item("aws_s3_bucket.a", None, {"bucket": "a", "force_destroy": True}),
        item("aws_s3_bucket.b", None, {"bucket": "b", "force_destroy": False}),
        item("aws_s3_bucket.c", {"bucket": "c"}, {"bucket": "c"}),
    )

    assert list(kept_buckets(plan)) == [("aws_s3_bucket.b", "b")]
