"""Asks for the token of an account on the hub, and says what becomes of it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog, QWidget

TOKENS_PAGE = "https://huggingface.co/settings/tokens"


class TokenDialog(QDialog):
    """Stays open until `settle` says that the token is kept or why it is not."""

    token_given = Signal(str)
    forget_requested = Signal()

    def __init__(self, *, has_token: bool, repository: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._has_token = has_token
        self._repository = repository

    def settle(self, problem: str = "") -> None:
        """The keyring took the token (or gave it up): close. With a `problem` say it and stay."""
