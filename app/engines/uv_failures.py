"""Turns what uv says of a failed installation into a sentence that a person can act on.

The words it looks for are those of uv 0.13; other ones fall through to the last sentence, and all that uv
said stands behind "Show log" either way.
"""

from __future__ import annotations

import re
from pathlib import Path

from app.domain.errors import DiskFull, EdgewiseError, InstallFailed

_PASSWORDS = re.compile(r"(?<=://)[^/@\s'\"]+@")
_LONGEST_DETAIL = 8000


def without_passwords(text: str) -> str:
    """`text` without the names and passwords that stand in addresses of indexes and proxies."""
    return _PASSWORDS.sub("…@", text)


def lacks_version(output: str, requirement: str) -> bool:
    """Whether the person's sources were reached and simply do not have `requirement`."""
    return bool(
        re.search(rf"no version of {re.escape(requirement)}(?![\w.+])", output)
        or re.search(rf"{re.escape(requirement)} has no (?:usable )?wheels", output)
    )


def explain(name: str, output: str, folder: Path, source: Path | None) -> EdgewiseError:
    """The failure to raise where installing the engine called `name` into `folder` ended with `output`.

    `source` is the folder of wheels it was to be made from, None if they were to be fetched.
    """
    output = without_passwords(output)
    detail = output[-_LONGEST_DETAIL:]
    output = output[max(0, output.rfind("\nerror:")) :]  # before it stand warnings about what went well later
    if re.search(r"No space left on device|os error (?:28|112|122)\b|[Dd]isk quota|not enough space", output):
        return DiskFull(
            f"The disk that holds {folder} is full, so {name} was not installed. Free some space, then try "
            "again; what has arrived is kept.",
            detail=detail,
        )
    for pattern, sentence in _PATTERNS:
        if match := re.search(pattern, output):
            where = next((group for group in match.groups() if group), "")
            return InstallFailed(
                f"{name} was not installed: {sentence.format(where=where or 'its source')}", detail=detail
            )
    if source is not None and (missing := _not_there(output)):
        return InstallFailed(
            f"{name} was not installed: {source} does not hold {missing}, or not for this system and Python. "
            "Add it with all that it needs, then try again.",
            detail=detail,
        )
    if missing := _not_there(output):
        return InstallFailed(
            f"{name} was not installed: your package index has no {missing} for this system and Python. If "
            "it is a mirror, it may lack it; else another Python may help.",
            detail=detail,
        )
    return InstallFailed(
        f"{name} was not installed: uv, which installs it, failed. “Show log” has all that it said.",
        detail=detail,
    )


def _not_there(output: str) -> str:
    """The requirement that no source had; empty if that was not it."""
    for pattern in (
        r"there (?:is no|are no) versions? of ([\w.-]+(?:[=<>!~]=?[\w.+]+)?)",
        r"Because ([\w.-]+) was not found in",
        r"([\w.-]+==[\w.+]+) has no (?:usable )?wheels",
        r"all versions of ([\w.-]+) have no usable wheels",
        r"Because ([\w.-]+(?:\{[^}]*\})?(?:==[\w.+]+)?) has no wheels",
        r"only ([\w.-]+(?:[=<>!~]=?[\w.+]+)?) is available",
        r"[Ww]heels are required for `([\w.-]+)`",
    ):
        if match := re.search(pattern, output):
            return re.sub(r"\{[^}]*\}", "", match[1])
    return ""


_PATTERNS = (
    (
        r"tunnel error|407 Proxy Authentication",
        "the proxy between here and the package index refuses. Check the proxy settings of this system, with "
        "name and password if it wants them, then try again.",
    ),
    (
        r"(?s)url \(\w+://([^/\s)]+).*?certificate",
        "the certificate of {where} is not trusted here. If your company checks connections, put its own "
        "certificate into the system’s store, or name its file in SSL_CERT_FILE.",
    ),
    (
        r"\(\w+://([^/\s)]+)[^)\n]*\) could not be queried due to a lack of valid authentication",
        "{where} wants a name and a password. Put them into pip’s or uv’s settings, then try again.",
    ),
    (
        r"\(\w+://([^/\s)]+)[^)\n]*\) returned a 403 Forbidden",
        "{where} refuses to give it. Check the address and the password in pip’s or uv’s settings.",
    ),
    (
        r"(?:client|server) error \((?:\d{3}) [^)]*\) for url \(\w+://([^/\s)]+)",
        "{where} did not give what was asked for. Try again later, or set another index for pip or uv.",
    ),
    (
        r"(?s)url \(\w+://([^/\s)]+).*?(?:dns error|connect error|timed out|connection closed"
        r"|[Cc]onnection reset|error decoding response body)",
        "{where} cannot be reached. Check the network, then try again; what has arrived is kept.",
    ),
    (r"[Nn]etwork (?:connectivity )?is disabled|network was disabled", "the network is switched off for uv."),
    (
        r"[Hh]ash mismatch for `?([\w.+-]+)",
        "{where} arrived damaged. Something between here and its source changes it: a proxy, a virus "
        "scanner, or the disk. Try again later.",
    ),
    (
        r"[Pp]ermission denied|os error (?:5|13|30)\b",
        "the system does not allow writing there. Check the permissions of the data folder, and whether a "
        "program that scans for viruses holds a file.",
    ),
)
"""In this order; a group is the host or package at fault."""
