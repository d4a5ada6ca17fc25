"""Makes the gate and the limits of the settings of the API."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from grader.adapters.ssm import open_parameter_store
from grader.api.auth.fetching import https_fetch
from grader.api.auth.gate import ApiGate, GateSettings
from grader.api.auth.keys import KeyStore
from grader.api.auth.tokens import Issuer, TokenVerifier
from grader.api.protection.stack import ProtectionSettings
from grader.contract.api_keys import Scope
from grader.errors import SettingsError
from grader.settings import ApiSettings

_WHERE = "environment variables"
#: Whoever the issuer knows gets these scopes, so they can only be those of a user.
_TOKEN_SCOPES = (Scope.SUBMIT, Scope.READ_OWN)
#: Bound of a look-up of a key; known keys work meanwhile.
_SECONDS = 2.0


def open_gate(settings: ApiSettings) -> ApiGate:
    """
    Make the gate; it reads nothing yet.

    Args:
        settings: From the environment variables.

    Raises:
        SettingsError: Those of the issuer of tokens are incomplete, or give too much.
    """
    store = open_parameter_store(settings.aws_region, seconds=_SECONDS)
    return ApiGate(
        KeyStore(store, settings.keys_prefix, time.monotonic),
        GateSettings(
            rate_per_minute=settings.api_rate_per_minute,
            concurrency=settings.api_concurrency,
            token_scopes=_token_scopes(settings.api_oidc_scopes),
            trusted_proxies=settings.api_trusted_proxies,
        ),
        clock=time.monotonic,
        now=lambda: datetime.now(UTC),
        tokens=_verifier(settings),
    )


def protection_settings(settings: ApiSettings) -> ProtectionSettings:
    """
    Take the limits of the API as a whole from its settings.

    Raises:
        SettingsError: An origin is not one; a browser would never match it.
    """
    origins = _split_list(settings.api_cors_origins)
    for origin in origins:
        scheme, _, host = origin.partition("://")
        if scheme not in ("http", "https") or not host or "/" in host or "*" in host:
            raise SettingsError(
                f"API_CORS_ORIGINS: {origin!r} is not an origin",
                where=_WHERE,
                next_step="write it as https://course.example.com, without a path or *",
            )
    return ProtectionSettings(
        most_body_bytes=settings.api_max_body_bytes,
        most_streams=settings.api_max_streams,
        cors_origins=origins,
    )


def _verifier(settings: ApiSettings) -> TokenVerifier | None:
    url, audience = settings.api_oidc_issuer, settings.api_oidc_audience
    if not url:
        return None
    if not url.startswith("https://"):
        raise SettingsError(f"API_OIDC_ISSUER: {url!r} is not an https URL", where=_WHERE)
    if not audience:
        raise SettingsError(
            "API_OIDC_AUDIENCE: is not set, so tokens for other services would be accepted",
            where=_WHERE,
            next_step="set it to the audience of the tokens for this API",
        )
    issuer = Issuer(url, audience, settings.api_oidc_user_claim)
    return TokenVerifier(issuer, https_fetch(), time.monotonic)


def _token_scopes(text: str) -> frozenset[Scope]:
    scopes = _split_list(text)
    if wrong := [each for each in scopes if each not in _TOKEN_SCOPES]:
        raise SettingsError(
            f"API_OIDC_SCOPES: {', '.join(wrong)} cannot be given to everyone with a token",
            where=_WHERE,
            next_step=f"use {' and '.join(_TOKEN_SCOPES)}; for more, make an API key",
        )
    return frozenset(map(Scope, scopes))


def _split_list(text: str) -> list[str]:
    """Split a list at its commas."""
    return [part.strip() for part in text.split(",") if part.strip()]
