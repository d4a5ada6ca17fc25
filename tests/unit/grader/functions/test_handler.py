"""Dividing the boxes of a launcher between consumers and the pool."""

from __future__ import annotations

import pytest

from grader.functions.handler import most_warm_boxes


@pytest.mark.parametrize(
    ("boxes", "consumers", "most"),
    [(32, 1, 4), (32, 4, 10), (32, 12, 7), (32, 16, 0), (32, 64, 0), (4, 1, 1), (3, 1, 0)],
)
def test_the_pool_leaves_two_boxes_for_each_consumer(boxes: int, consumers: int, most: int) -> None:
    """And one for the test of the languages at start."""
    assert most_warm_boxes(boxes, consumers) == most
    assert most == 0 or boxes - most >= 2 * consumers + 1
