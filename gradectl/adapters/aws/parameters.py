"""SSM parameters: their metadata, and writing them; single values are read by `Aws.parameters`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gradectl.adapters.aws.errors import translated
from gradectl.adapters.aws.models import ParameterInfo
from gradectl.errors import GradectlError

_FILTER_VALUES = 50  # maximum of one filter of DescribeParameters
_DEFAULT_KEY = "alias/aws/ssm"
_HIDDEN = "(secret)"


class ParameterStore:
    """
    SSM Parameter Store.

    Args:
        client: A boto3 client of `ssm`.
    """

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - boto3 makes its clients at run time
        self._client = client

    def describe(self, names: Sequence[str]) -> dict[str, ParameterInfo]:
        """Read the metadata of those of the parameters that exist; never a value."""
        found: dict[str, ParameterInfo] = {}
        pages = self._client.get_paginator("describe_parameters")
        with translated("SSM Parameter Store"):
            for start in range(0, len(names), _FILTER_VALUES):
                values = list(names[start : start + _FILTER_VALUES])
                named = {"Key": "Name", "Option": "Equals", "Values": values}
                for page in pages.paginate(ParameterFilters=[named]):
                    found |= {item["Name"]: _info(item) for item in page["Parameters"]}
        return found

    def names_below(self, path: str) -> list[str]:
        """List the parameters directly below a path that ends with `/`; reads no value."""
        pages = self._client.get_paginator("describe_parameters")
        below = {"Key": "Path", "Option": "OneLevel", "Values": [path.rstrip("/")]}
        with translated("SSM Parameter Store"):
            found = pages.paginate(ParameterFilters=[below])
            return [str(item["Name"]) for page in found for item in page["Parameters"]]

    def below(self, path: str) -> dict[str, str]:
        """Read the parameters directly below a path that ends with `/`, decrypted."""
        pages = self._client.get_paginator("get_parameters_by_path")
        with translated("SSM Parameter Store"):
            return {
                item["Name"]: item["Value"]
                for page in pages.paginate(Path=path, WithDecryption=True)
                for item in page["Parameters"]
            }

    def write_secret(
        self, name: str, value: str, *, current: ParameterInfo | None, key_id: str | None = None
    ) -> int:
        """
        Write a SecureString.

        Args:
            name: The parameter.
            value: Its value; it is not part of any error.
            current: The parameter that is overwritten, which keeps its key and tier; None creates
                one, and fails when it exists.
            key_id: KMS key of a new parameter; None for the key of SSM.

        Returns:
            The new version.
        """
        tier = {"Tier": current.tier} if current and current.tier else {}
        key = (current.key_id if current else None) or key_id or _DEFAULT_KEY
        try:
            with translated(f"parameter {name}"):
                answer = self._client.put_parameter(
                    Name=name,
                    Value=value,
                    Type="SecureString",
                    KeyId=key,
                    Overwrite=current is not None,
                    **tier,
                )
        except GradectlError as error:
            error.what = error.what.replace(value, _HIDDEN)
            raise
        return int(answer["Version"])

    def create(self, name: str, value: str) -> None:
        """Create a parameter that is not secret; raises `GradectlError` when it exists."""
        with translated(f"parameter {name}"):
            self._client.put_parameter(Name=name, Value=value, Type="String", Overwrite=False)

    def delete(self, name: str) -> None:
        """Delete a parameter."""
        with translated(f"parameter {name}"):
            self._client.delete_parameter(Name=name)


def _info(item: dict[str, Any]) -> ParameterInfo:
    """Convert an entry of DescribeParameters."""
    return ParameterInfo(
        name=item["Name"],
        kind=item["Type"],
        version=int(item["Version"]),
        modified=item["LastModifiedDate"],
        key_id=item.get("KeyId"),
        tier=item.get("Tier"),
    )
