"""Message widgets that stand for no row at the moment."""

from __future__ import annotations

from app.ui.chat.message_widget import MessageWidget

_KEPT = 6
"""As many of a kind are kept as come into view with one turn of a page."""


class SpareMessages:
    """Keeps a few widgets of each kind, hidden, and lets go of the rest."""

    def __init__(self) -> None:
        self._kept: dict[type[MessageWidget], list[MessageWidget]] = {}

    def take(self, kind: type[MessageWidget]) -> MessageWidget | None:
        """A widget of `kind`, if there is one."""
        kept = self._kept.get(kind)
        return kept.pop() if kept else None

    def give(self, widget: MessageWidget) -> None:
        """A row has no more use for `widget`."""
        widget.hide()
        kept = self._kept.setdefault(type(widget), [])
        if len(kept) < _KEPT:
            kept.append(widget)
        else:
            widget.deleteLater()
