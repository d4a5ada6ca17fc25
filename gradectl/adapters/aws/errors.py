"""What botocore's errors mean to a person: one translation for all AWS calls."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    ReadTimeoutError,
    SSLError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)

from gradectl.errors import (
    ConfigurationError,
    GradectlError,
    PermissionDeniedError,
    TryAgainError,
    UnreachableError,
)

_LOGIN = "log in (aws sso login), set AWS_PROFILE, or give --profile"
_NO_CREDENTIALS = (
    NoCredentialsError,
    PartialCredentialsError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)
_UNREACHABLE = (
    ConnectTimeoutError,
    ConnectionClosedError,
    EndpointConnectionError,
    ReadTimeoutError,
    SSLError,
)
_THROTTLED = {
    "RequestLimitExceeded",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
}
_BAD_CREDENTIALS = {
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "Forbidden", "403"}


@contextmanager
def translated(where: str) -> Iterator[None]:
    """
    Run AWS calls, and let no vendor error out.

    Args:
        where: What is being asked, such as `ssm` or `s3://bucket`.

    Raises:
        PermissionDeniedError: No credentials, or not enough.
        UnreachableError: Nothing answers at the endpoint.
        TryAgainError: Throttled.
        ConfigurationError: The profile does not exist.
        GradectlError: Anything else that AWS refuses.
    """
    try:
        yield
    except ClientError as error:
        raise _refused(error, where) from error
    except _NO_CREDENTIALS as error:
        text = f"no usable AWS credentials: {error}"
        raise PermissionDeniedError(text, where=where, next_step=_LOGIN) from error
    except ProfileNotFound as error:
        raise ConfigurationError(str(error), where=where, next_step=_LOGIN) from error
    except _UNREACHABLE as error:
        text = f"AWS does not answer: {error}"
        hint = "check the network and --endpoint-url; for an emulated one: gradectl local up"
        raise UnreachableError(text, where=where, next_step=hint) from error
    except BotoCoreError as error:
        raise GradectlError(str(error), where=where) from error


def code_of(error: ClientError) -> str:
    """Give AWS's word for an error."""
    return str(error.response.get("Error", {}).get("Code", ""))


def _refused(error: ClientError, where: str) -> GradectlError:
    """Choose the error of ours for an answer of AWS."""
    code = code_of(error)
    text = str(error.response.get("Error", {}).get("Message") or error)
    what = f"{error.operation_name}: {code}: {text}"
    if code in _THROTTLED:
        return TryAgainError(what, where=where, next_step="wait a little and run it again")
    if code in _BAD_CREDENTIALS:
        return PermissionDeniedError(what, where=where, next_step=_LOGIN)
    if code in _DENIED:
        hint = f"allow the action of {error.operation_name} to this identity"
        return PermissionDeniedError(what, where=where, next_step=hint)
    return GradectlError(what, where=where)
