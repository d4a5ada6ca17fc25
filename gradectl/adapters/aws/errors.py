"""Translates botocore's errors into gradectl's, for all AWS calls."""

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
from botocore.parsers import ResponseParserError

from gradectl.errors import (
    ConfigurationError,
    GradectlError,
    PermissionDeniedError,
    TryAgainError,
    UnreachableError,
)

_LOGIN = "log in (aws sso login), set AWS_PROFILE, or add --profile"
_INSPECT = "check the arguments and the resource in the AWS console"
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
_NO_QUEUE = {"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"}
_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "Forbidden", "403"}


@contextmanager
def translated(where: str) -> Iterator[None]:
    """
    Translate the botocore errors of the block.

    Args:
        where: The resource, such as `ssm` or `s3://bucket`.

    Raises:
        PermissionDeniedError: No credentials, or missing permissions.
        UnreachableError: The endpoint does not answer.
        TryAgainError: The call was throttled.
        ConfigurationError: The profile does not exist.
        GradectlError: Any other error of AWS.
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
        hint = "check the network and --endpoint-url; for an emulated account: gradectl local up"
        raise UnreachableError(text, where=where, next_step=hint) from error
    except ResponseParserError as error:
        text = "the answer is not one of AWS, perhaps of a proxy"
        hint = "check the proxy and --endpoint-url"
        raise UnreachableError(text, where=where, next_step=hint) from error
    except BotoCoreError as error:
        raise GradectlError(str(error), where=where, next_step=_INSPECT) from error


def code_of(error: ClientError) -> str:
    """AWS's error code."""
    return str(error.response.get("Error", {}).get("Code", ""))


def _refused(error: ClientError, where: str) -> GradectlError:
    """Translate an error response of AWS."""
    code = code_of(error)
    text = str(error.response.get("Error", {}).get("Message") or error)
    what = f"{error.operation_name}: {code}: {text}"
    if code in _THROTTLED:
        return TryAgainError(what, where=where, next_step="wait a moment and run it again")
    if code in _BAD_CREDENTIALS:
        return PermissionDeniedError(what, where=where, next_step=_LOGIN)
    if code in _DENIED:
        hint = f"allow {error.operation_name} in the IAM policy of this identity"
        return PermissionDeniedError(what, where=where, next_step=hint)
    if code in _NO_QUEUE:
        hint = "gradectl queue list, then run it again"
        return GradectlError("the queue does not exist any more", where=where, next_step=hint)
    return GradectlError(what, where=where, next_step=_INSPECT)
