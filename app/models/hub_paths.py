"""Names that a hub tells: which of them may become files, and which repositories there can be.

A name from the network is hostile until it passed here. What passes is one that all three systems can write
where it says, and that a person reads as what it is.
"""

from __future__ import annotations

import re
import unicodedata

from app.domain.errors import HubError

LONGEST_PART = 255
"""Bytes of one name, as most file systems have it."""
LONGEST_PATH = 512
"""Characters of a path inside a repository."""
DEEPEST = 8
"""Folders and the file. Repositories have two or three."""

# Windows reserves these whatever the ending, also with the superscript digits of Latin-1:
# learn.microsoft.com/windows/win32/fileio/naming-a-file
_DEVICE = re.compile(
    r"(?:CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(?:COM|LPT)[0-9\u00b9\u00b2\u00b3])", re.IGNORECASE
)
_FORBIDDEN = frozenset('<>:"|?*\\')
_UNREADABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"})
"""Unicode categories: control, format (direction overrides, zero width), surrogates, unassigned, breaks, and
spaces, of which only the common one is taken."""

# As huggingface_hub.utils.validate_repo_id has it, apart from names without an owner, which are allowed too.
_REPOSITORY = re.compile(r"(?:[A-Za-z0-9_.-]{1,96}/)?[A-Za-z0-9_.-]{1,96}")
_ADDRESS = re.compile(
    r"(?:https?://[^/\s]+|(?:www\.)?huggingface\.co|hf\.co)/([^/\s?#]+/[^/\s?#]+)(?:[/?#]|$)", re.IGNORECASE
)
_REVISION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}(?:/[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}){0,3}")


def is_safe_path(name: object) -> bool:
    """Whether `name` is a relative path, with slashes, that stays inside its folder on every system.

    Refused besides `..`, drives, backslashes and the like: hidden files (tools keep their own state in
    those), the device names of Windows, and characters that cannot be seen.
    """
    if not isinstance(name, str) or not 0 < len(name) <= LONGEST_PATH:
        return False
    parts = name.split("/")
    return len(parts) <= DEEPEST and all(map(_is_safe_part, parts))


def safe_path(name: object) -> str:
    """`name`, if `is_safe_path`. Raises HubError for any other."""
    if isinstance(name, str) and is_safe_path(name):
        return name
    raise HubError(
        "The hub names a file in a way that could overwrite others. Nothing was stored; choose another "
        "repository.",
        detail=f"file name {_shown(name)}",
    )


def same_file(name: str) -> str:
    """What two paths have in common if some system takes them for one: for most, case does not matter."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFKC", name).casefold())


def is_repository(name: object) -> bool:
    """Whether `name` can be a repository's: "owner/name", or "name" alone for some old ones."""
    return (
        isinstance(name, str)
        and _REPOSITORY.fullmatch(name) is not None
        and "--" not in name  # stands for the slash in folder names
        and ".." not in name
        and not name.endswith((".git", ".ipynb"))
        and all(part[0] not in ".-" and part[-1] not in ".-" for part in name.split("/"))
    )


def safe_repository(name: object) -> str:
    """`name`, if `is_repository`. Raises HubError for any other."""
    if isinstance(name, str) and is_repository(name):
        return name
    raise HubError(
        f"{_shown(name)} is not the name of a repository. It has the form “owner/name”, with letters, "
        "digits, dots, dashes and underscores."
    )


def repository_in(text: str) -> str:
    """The repository that a pasted address leads to ("https://huggingface.co/owner/name/tree/main").

    `text` as it is where it is no address of one.
    """
    match = _ADDRESS.match(text.strip())
    return match[1] if match is not None and is_repository(match[1]) else text


def safe_revision(name: object) -> str:
    """`name`, if it can be a branch, a tag or a commit. Raises HubError for any other."""
    if isinstance(name, str) and _REVISION.fullmatch(name) and ".." not in name:
        return name
    raise HubError(f"{_shown(name)} is not the name of a revision.")


def _is_safe_part(part: str) -> bool:
    return (
        bool(part)
        and part[0] not in ". "
        and part[-1] not in ". "
        and not any(character in _FORBIDDEN for character in part)
        and not any(unicodedata.category(character) in _UNREADABLE for character in part.replace(" ", ""))
        and _DEVICE.fullmatch(part.partition(".")[0].rstrip()) is None
        and len(part.encode()) <= LONGEST_PART
    )


def _shown(name: object) -> str:
    return ascii(name)[:200]
