"""Text that UTF-8 can hold."""

from __future__ import annotations


def well_formed(text: str) -> str:
    """`text` with halves of surrogate pairs joined where both are there, else replaced by U+FFFD.

    Such halves come from a clipboard or from an engine that cuts an emoji in two. UTF-8 has no place for
    them, and a message must not be lost over one.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text
