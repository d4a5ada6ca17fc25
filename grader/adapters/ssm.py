"""A parameter store on SSM."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from grader.errors import AccessError, SettingsError, TemporaryError

_NAMES_LIMIT = 10  # names in one call
_CONFIG = Config(connect_timeout=5, read_timeout=10, retries={"mode": "standard"})
_REFUSED = {"AccessDeniedException", "UnrecognizedClientException", "ExpiredTokenException"}


def open_parameter_store(region: str, *, seconds: float | None = None) -> SsmParameterStore:
    """
    Open SSM with credentials and endpoint from the process environment.

    Args:
        region: AWS region.
        seconds: Longest wait for an answer, without a second attempt; None: longer, with some.
    """
    config = _CONFIG
    if seconds is not None:
        config = Config(
            connect_timeout=seconds,
            read_timeout=seconds,
            retries={"mode": "standard", "total_max_attempts": 1},
        )
    return SsmParameterStore(boto3.client("ssm", region_name=region, config=config))


class SsmParameterStore:
    """
    `grader.ports.stores.ParameterStore` over boto3.

    Args:
        client: A boto3 SSM client; thread-safe.
    """

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - boto3 creates its client classes at run time
        self._client = client

    def get_many(self, names: Sequence[str]) -> dict[str, str]:
        """
        Read all of `names`, decrypted.

        Raises:
            SettingsError: Some do not exist; lists all of them.
            AccessError: The credentials do not allow it.
            TemporaryError: The service is unreachable.
        """
        found = self.find_many(names)
        missing = [name for name in dict.fromkeys(names) if name not in found]
        if missing:
            raise SettingsError(
                f"parameters not found: {', '.join(missing)}",
                where="SSM",
                next_step="apply the environment, or correct the *_PARAM variables",
            )
        return found

    def find_many(self, names: Sequence[str]) -> dict[str, str]:
        """
        Read those of `names` that exist, decrypted.

        Raises:
            AccessError: The credentials do not allow it.
            TemporaryError: The service is unreachable.
        """
        wanted = list(dict.fromkeys(names))
        found: dict[str, str] = {}
        for start in range(0, len(wanted), _NAMES_LIMIT):
            found |= self._read(wanted[start : start + _NAMES_LIMIT])
        return found

    def _read(self, names: Sequence[str]) -> dict[str, str]:
        try:
            answer = self._client.get_parameters(Names=list(names), WithDecryption=True)
        except ClientError as error:
            if error.response["Error"]["Code"] in _REFUSED:
                raise AccessError(
                    str(error), where="SSM", next_step="check the role's policy"
                ) from error
            raise TemporaryError(str(error), where="SSM") from error
        except BotoCoreError as error:
            raise TemporaryError(str(error), where="SSM") from error
        return {item["Name"]: item["Value"] for item in answer["Parameters"]}
