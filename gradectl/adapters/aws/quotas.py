"""Service Quotas."""

from __future__ import annotations

from typing import Any

from gradectl.adapters.aws.errors import translated


class Quotas:
    """
    Service Quotas.

    Args:
        client: A boto3 client of `service-quotas`.
    """

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - boto3 makes its clients at run time
        self._client = client

    def value(self, service: str, code: str) -> float:
        """
        Read the applied value of a quota.

        Args:
            service: Code of the service, such as `vpc`.
            code: Code of the quota, such as `L-F678F1CE`.
        """
        with translated(f"quota {service}/{code}"):
            answer = self._client.get_service_quota(ServiceCode=service, QuotaCode=code)
        return float(answer["Quota"]["Value"])

    def named(self, service: str, word: str) -> float | None:
        """Read the first quota of a service with a word in its name; None when there is none."""
        with translated(f"quotas of {service}"):
            pages = self._client.get_paginator("list_service_quotas").paginate(ServiceCode=service)
            found = [one for page in pages for one in page["Quotas"]]
        return next(
            (float(one["Value"]) for one in found if word in one["QuotaName"].lower()), None
        )
