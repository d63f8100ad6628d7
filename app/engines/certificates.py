"""Whom to trust on an encrypted connection, and in words why a certificate was refused."""

from __future__ import annotations

import ssl
from pathlib import Path

import truststore

from app.domain.errors import CertificateRefused


def trust(ca_file: Path | None) -> ssl.SSLContext:
    """Trust what those in `ca_file` vouch for, or (None) what the system trusts. Reads the disk.

    Raises CertificateRefused where the file cannot be read.
    """
    if ca_file is None:
        return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        return ssl.create_default_context(cafile=str(ca_file))
    except (OSError, ValueError) as error:  # an SSLError is an OSError
        raise CertificateRefused(
            f"The certificates in {ca_file} cannot be read. It has to be a file of PEM certificates: lines"
            " that begin with “-----BEGIN CERTIFICATE-----”.",
            detail=str(error),
        ) from error


def explain(error: ssl.SSLError, host: str, who: str) -> CertificateRefused:
    """Why no encrypted connection to `who` at `host` came about, and what to do."""
    detail = str(error)
    if not isinstance(error, ssl.SSLCertVerificationError):
        if error.reason in _NO_TLS:
            return CertificateRefused(
                f"{who} does not encrypt on this port. Use an address with http://, or the port that it"
                " encrypts on.",
                detail=detail,
            )
        return CertificateRefused(
            f"No encrypted connection to {who} came about. It may be set up for an older or another kind of"
            " encryption.",
            detail=detail,
        )
    code = getattr(error, "verify_code", 0) & 0xFFFFFFFF
    for codes, sentence in _REASONS:
        if code in codes:
            return CertificateRefused(sentence.format(who=who, host=host), detail=detail)
    return CertificateRefused(f"The certificate of {who} is not valid.", detail=detail)


_NO_TLS = frozenset(
    {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"}
)
"""What OpenSSL says of an answer that is not TLS at all (ssl/record/methods/tls_common.c, ssl/statem)."""

_REASONS: tuple[tuple[frozenset[int], str], ...] = (
    (
        frozenset({10, 0x800B0101, -67818 & 0xFFFFFFFF}),
        "The certificate of {who} has expired. Whoever runs the server has to renew it. If it has not, check"
        " the date of this computer.",
    ),
    (
        frozenset({9, -67819 & 0xFFFFFFFF}),
        "The certificate of {who} is not valid yet. Check the date of this computer.",
    ),
    (
        frozenset({62, 64, 0x800B010F, -67602 & 0xFFFFFFFF}),
        "The certificate of {who} is not for {host}. Use the name that it was made for.",
    ),
    (
        frozenset({18, 19, 20, 21, 0x800B0109, 0x800B010A, -67843 & 0xFFFFFFFF, -25318 & 0xFFFFFFFF}),
        "The certificate of {who} was made by somebody whom this computer does not trust, such as the server"
        " itself. If you know the server, give the file with its certificate, or with that of who made it.",
    ),
)
"""Codes of OpenSSL (openssl/x509_vfy.h: X509_V_ERR_…), Windows (winerror.h: CERT_E_…; it has one for both
kinds of wrong dates) and macOS (SecBase.h: errSec…), as truststore passes them on. Their words come in the
system's language."""
