"""OIDC providers of the account, which pipelines log in with."""

from __future__ import annotations

from typing import Any

from gradectl.adapters.aws.errors import translated
from gradectl.errors import RefusedError


class Providers:
    """
    IAM's OIDC providers.

    Args:
        client: A boto3 client of `iam`.
    """

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - boto3 makes its clients at run time
        self._client = client

    def find(self, host: str) -> str | None:
        """ARN of the provider of a host; None when the account has none."""
        with translated("OIDC providers"):
            found = self._client.list_open_id_connect_providers()["OpenIDConnectProviderList"]
        ending = f":oidc-provider/{host}"
        return next((one["Arn"] for one in found if one["Arn"].endswith(ending)), None)

    def ensure(self, issuer: str, host: str, audience: str) -> str:
        """
        Create a provider, unless the account has it; an existing one is never changed.

        Args:
            issuer: Its URL.
            host: Its URL without the scheme.
            audience: The audience that it must accept.

        Returns:
            `created` or `unchanged`.

        Raises:
            RefusedError: It exists and does not accept the audience.
        """
        arn = self.find(host)
        with translated(f"OIDC provider {host}"):
            if arn is None:
                self._client.create_open_id_connect_provider(Url=issuer, ClientIDList=[audience])
                return "created"
            found = self._client.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
        if audience not in found.get("ClientIDList", []):
            command = "aws iam add-client-id-to-open-id-connect-provider"
            text = f"the account's OIDC provider does not accept the audience {audience}"
            step = f"ask its owner, or: {command} --open-id-connect-provider-arn {arn}"
            raise RefusedError(text, where=arn, next_step=f"{step} --client-id {audience}")
        return "unchanged"
