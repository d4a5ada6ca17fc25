"""The gate and the limits follow from the settings; unsafe ones are refused at start."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from grader.api.auth.opening import open_gate, protection_settings
from grader.contract.api_keys import Scope
from grader.errors import SettingsError
from grader.settings import ApiSettings, load

Load = Callable[..., ApiSettings]


@pytest.fixture(name="settings")
def _settings(monkeypatch: pytest.MonkeyPatch) -> Load:
    """Settings with these variables."""
    fields = ApiSettings.model_fields
    needed = {name.upper(): "/dev/x" for name, field in fields.items() if field.is_required()}
    optional = ("MQ_ENDPOINT_PARAM", "MQ_USERNAME_PARAM", "MQ_PASSWORD_PARAM")

    def make(**variables: str) -> ApiSettings:
        for name, value in {**dict.fromkeys(optional, "/dev/x"), **needed, **variables}.items():
            monkeypatch.setenv(name, value)
        return load(ApiSettings)

    return make


def test_the_limits_are_those_of_the_settings(settings: Load) -> None:
    """For keys without their own, and for the API as a whole."""
    chosen = settings(
        API_RATE_PER_MINUTE="7",
        API_CONCURRENCY="3",
        API_TRUSTED_PROXIES="1",
        API_CORS_ORIGINS="https://a.example.com, http://localhost:3000",
        API_MAX_BODY_BYTES="5000",
        API_MAX_STREAMS="9",
    )
    gate, limits = open_gate(chosen), protection_settings(chosen)
    gate.close()

    assert (gate._settings.rate_per_minute, gate._settings.concurrency) == (7, 3)
    assert gate._settings.token_scopes == {Scope.SUBMIT, Scope.READ_OWN}
    assert gate._settings.trusted_proxies == 1
    assert gate._tokens is None
    assert (limits.most_body_bytes, limits.most_streams) == (5000, 9)
    assert limits.cors_origins == ["https://a.example.com", "http://localhost:3000"]


def test_tokens_are_accepted_from_an_issuer_for_an_audience(settings: Load) -> None:
    """And only over https."""
    url = "https://login.example.com"
    gate = open_gate(settings(API_OIDC_ISSUER=url, API_OIDC_AUDIENCE="grading"))
    gate.close()

    assert gate._tokens is not None
    assert gate._tokens.issuer_url == url


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"API_OIDC_ISSUER": "http://login.example.com"}, "API_OIDC_ISSUER"),
        ({"API_OIDC_ISSUER": "https://login.example.com"}, "API_OIDC_AUDIENCE"),
        ({"API_OIDC_SCOPES": "submit,admin"}, "admin"),
        ({"API_OIDC_SCOPES": "read-all"}, "read-all"),
        ({"API_OIDC_SCOPES": "everything"}, "everything"),
        ({"API_CORS_ORIGINS": "*"}, "not an origin"),
        ({"API_CORS_ORIGINS": "https://*.example.com"}, "not an origin"),
        ({"API_CORS_ORIGINS": "https://example.com/"}, "not an origin"),
        ({"API_CORS_ORIGINS": "example.com"}, "not an origin"),
        ({"API_CORS_ORIGINS": "null"}, "not an origin"),
    ],
)
def test_unsafe_settings_are_refused(
    settings: Load, variables: dict[str, Any], reason: str
) -> None:
    """Everyone with a token an operator, tokens of other services, or every page a client."""
    chosen = settings(**variables)

    check = protection_settings if "API_CORS_ORIGINS" in variables else open_gate

    with pytest.raises(SettingsError, match=reason):
        check(chosen)
