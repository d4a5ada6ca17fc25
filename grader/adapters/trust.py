"""Turns a refused certificate into an error whose next step fits the reason."""

from __future__ import annotations

import ssl

from grader.errors import TrustError

#: Codes of OpenSSL's X509_V_ERR_*.
_NOT_YET_VALID, _EXPIRED = 9, 10
_OTHER_NAME = (62, 64)  # another host name, another address
_ADVICE = {
    _NOT_YET_VALID: "check the clock of this machine, and the certificate of the server",
    _EXPIRED: "renew the certificate of the server, and check the clock of this machine",
    **dict.fromkeys(
        _OTHER_NAME,
        "connect by a name of the certificate; for a tunnel, let that name lead to this machine",
    ),
}


def untrusted(error: ssl.SSLCertVerificationError, where: str, authority_advice: str) -> TrustError:
    """
    Create the error for a refused certificate.

    Args:
        error: The error of the handshake.
        where: Address of the server.
        authority_advice: How to trust another authority, for a certificate that is itself valid.
    """
    return TrustError(
        f"the certificate is not trusted: {error.verify_message}",
        where=where,
        next_step=_ADVICE.get(error.verify_code, authority_advice),
    )
