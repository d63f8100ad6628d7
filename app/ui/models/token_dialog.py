"""Asks for the token of an account on the hub, and says what becomes of it."""

from __future__ import annotations

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.ui import theme
from app.ui.announce import announce

TOKENS_PAGE = "https://huggingface.co/settings/tokens"
_WIDTH = 520
_LONGEST = 400
"""The hub's tokens have some 40 characters."""


class TokenDialog(QDialog):
    """Stays open until `settle` says that the token is kept or why it is not."""

    token_given = Signal(str)
    forget_requested = Signal()

    def __init__(
        self,
        *,
        has_token: bool,
        refused: bool = False,
        repository: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Token for the hub")
        self.setMinimumWidth(_WIDTH)
        why = _sentence(_why(has_token=has_token, refused=refused, repository=repository), self)
        where = _sentence(
            "You make one on the hub, in the settings of your account. Reading is enough.", self
        )
        address = self._address()
        self._field = QLineEdit(self)
        self._field.setEchoMode(QLineEdit.EchoMode.Password)
        self._field.setMaxLength(_LONGEST)
        self._field.setPlaceholderText("hf_…")
        self._field.setAccessibleName("Token")
        self._field.textChanged.connect(self._typed)
        show = QCheckBox("Show it", self)
        show.setAccessibleDescription("Shows the token’s letters while you type")
        show.toggled.connect(self._reveal)
        kept = _sentence(
            "It is kept in your system’s keyring and nowhere else, in no file and no log, and it is sent "
            "to the hub alone. Without a keyring it is forgotten when Edgewise ends.",
            self,
        )
        for quiet in (where, kept):
            quiet.setForegroundRole(quiet.foregroundRole().PlaceholderText)
        self._problem = _sentence("", self)
        self._problem.setForegroundRole(self._problem.foregroundRole().BrightText)
        self._problem.hide()
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, self)
        self._keep = buttons.addButton("Keep token", QDialogButtonBox.ButtonRole.AcceptRole)
        self._keep.setDefault(True)
        self._forget = QPushButton("Forget token", self)
        self._forget.setVisible(has_token)
        if has_token:
            buttons.addButton(self._forget, QDialogButtonBox.ButtonRole.DestructiveRole)
        self._keep.clicked.connect(self._give)
        self._forget.clicked.connect(self._give_up)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.SPACE_XL, theme.SPACE_XL, theme.SPACE_XL, theme.SPACE_L)
        layout.setSpacing(theme.SPACE_M)
        layout.addWidget(why)
        layout.addWidget(where)
        layout.addLayout(address)
        typing = QHBoxLayout()
        typing.setSpacing(theme.SPACE_M)
        typing.addWidget(self._field, 1)
        typing.addWidget(show)
        layout.addLayout(typing)
        layout.addWidget(self._problem)
        layout.addWidget(kept)
        layout.addSpacing(theme.SPACE_S)
        layout.addWidget(buttons)
        self._typed("")
        self._field.setFocus()

    def _address(self) -> QHBoxLayout:
        """The page's address to copy, and a button that opens it: nothing does so by itself."""
        address = QLineEdit(TOKENS_PAGE, self)
        address.setReadOnly(True)
        address.setAccessibleName("Address of the page with your tokens")
        address.setCursorPosition(0)
        visit = QPushButton("Open in browser", self)
        visit.setAutoDefault(False)
        visit.clicked.connect(lambda: QDesktopServices.openUrl(QUrl(TOKENS_PAGE)))
        line = QHBoxLayout()
        line.setSpacing(theme.SPACE_S)
        line.addWidget(address, 1)
        line.addWidget(visit)
        return line

    def settle(self, problem: str = "") -> None:
        """The keyring took the token (or gave it up): close. With a `problem` say it and stay."""
        if not problem:
            self._field.clear()
            self.accept()
            return
        self._problem.setText(problem)
        self._problem.show()
        self._set_busy(busy=False)
        self._field.setFocus(Qt.FocusReason.OtherFocusReason)
        announce(self, problem)

    def _typed(self, text: str) -> None:
        token = text.strip()
        # An HTTP header takes no blanks and nothing beyond ASCII; a pasted sentence is not a token.
        fits = bool(token) and token.isascii() and token.isprintable() and " " not in token
        self._keep.setEnabled(fits)
        wrong = bool(token) and not fits
        self._problem.setText("A token has no blanks and only plain letters." if wrong else "")
        self._problem.setVisible(wrong)

    def _reveal(self, shown: bool) -> None:
        self._field.setEchoMode(QLineEdit.EchoMode.Normal if shown else QLineEdit.EchoMode.Password)

    def _give(self) -> None:
        self._set_busy(busy=True)
        self.token_given.emit(self._field.text().strip())

    def _give_up(self) -> None:
        self._set_busy(busy=True)
        self.forget_requested.emit()

    def _set_busy(self, *, busy: bool) -> None:
        self._keep.setEnabled(not busy)
        self._forget.setEnabled(not busy)
        self._field.setEnabled(not busy)


def _why(*, has_token: bool, refused: bool, repository: str) -> str:
    if refused and has_token:
        return (
            "The hub does not accept the token that is kept: it may be mistyped, expired or withdrawn. Enter "
            "another one."
        )
    if repository and has_token:
        return (
            f"{repository} is not open to the account of the token that is kept. Accept its conditions with "
            "that account on the hub, or enter another token."
        )
    if repository:
        return (
            f"{repository} is gated: its owners ask for an account that accepted their conditions on the "
            "hub. A token shows that the account is yours."
        )
    if has_token:
        return "A token is kept. You can replace it, or forget it."
    return (
        "Some models are gated: the hub gives them only to accounts that accepted their owners’ conditions."
    )


def _sentence(said: str, parent: QWidget) -> QLabel:
    label = QLabel(said, parent)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label
