"""The variables under which Terraform runs without a person."""

from __future__ import annotations

from gradectl.adapters.terraform.unattended import unattended


def test_terraform_asks_nothing_and_collects_less() -> None:
    """It would wait for an answer that nobody gives."""
    assert unattended({}) == {
        "CHECKPOINT_DISABLE": "1",
        "GOGC": "400",
        "TF_IN_AUTOMATION": "1",
        "TF_INPUT": "0",
    }


def test_the_users_gogc_takes_precedence() -> None:
    """A small machine may need the memory."""
    assert unattended({"GOGC": "100"})["GOGC"] == "100"
