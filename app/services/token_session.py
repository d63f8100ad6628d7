"""The hub's token for the window: whether there is one, keeping and forgetting it. Nothing here blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.domain.errors import EdgewiseError
from app.services.background import Background
from app.storage.secrets import TokenPlace

if TYPE_CHECKING:
    from app.services.hub_access import HubAccess

_OVERRULED = (
    "HF_TOKEN holds a token where Edgewise was started, and that one is used. Change it there, or remove it."
)


class TokenSession(QObject):
    """Asks the keyring on worker threads: one that is locked waits for the person."""

    changed = Signal(object)
    """A `TokenPlace`: where the token is now, or that there is none."""
    kept = Signal()
    """A token was given, and one is used from now on."""
    settled = Signal(str)
    """What was asked for is done (empty), or the sentence why it is not."""

    def __init__(self, hub: HubAccess, background: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._hub = hub
        self._background = background

    def look(self) -> None:
        """Find out whether there is a token."""
        self._background.run(self._hub.token_place, self.changed.emit, self._refused)

    def keep(self, text: str) -> None:
        """Use this token from now on."""
        self._background.run(lambda: self._keep(text), self._has_kept, self._refused)

    def forget(self) -> None:
        """Use none from now on."""
        self._background.run(self._forget, self._changed, self._refused)

    def _keep(self, text: str) -> TokenPlace:
        self._hub.set_token(text)
        return self._hub.token_place()

    def _forget(self) -> TokenPlace:
        self._hub.forget_token()
        return self._hub.token_place()

    def _has_kept(self, place: TokenPlace) -> None:
        self._changed(place)
        self.kept.emit()

    def _changed(self, place: TokenPlace) -> None:
        self.changed.emit(place)
        self.settled.emit(_OVERRULED if place is TokenPlace.ENVIRONMENT else "")

    def _refused(self, error: EdgewiseError) -> None:
        self.settled.emit(error.message)
