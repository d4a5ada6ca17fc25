"""The variables under which Terraform runs without a person."""

from __future__ import annotations

from collections.abc import Mapping


def unattended(environ: Mapping[str, str]) -> dict[str, str]:
    """
    Build the variables: no questions, no check for updates, and fewer garbage collections.

    Reading the schema of the AWS provider allocates a lot and frees little, so collecting less
    saves a quarter of the processor time of a command, for about 100 MB more.

    Args:
        environ: The process environment; its GOGC takes precedence.
    """
    return {
        "CHECKPOINT_DISABLE": "1",
        "GOGC": environ.get("GOGC", "400"),
        "TF_IN_AUTOMATION": "1",
        "TF_INPUT": "0",
    }
