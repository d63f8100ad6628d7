"""The rungs of a ladder below each other, and the one button for the chosen one."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QButtonGroup, QPushButton, QStyle, QWidget

from app.advisor.ladder import Fit, Ladder, Rung
from app.domain.download import Download
from app.ui import theme
from app.ui.models.ladder_head import HEAD_HEIGHT, LadderHead
from app.ui.models.rung_row import BUTTON_WIDTH, HEIGHT, INLINE_FROM, NAME_LEFT, RungRow
from app.ui.models.variant_list import standing
from app.ui.words import size

_BUTTON_HEIGHT = 32
_BELOW = _BUTTON_HEIGHT + theme.SPACE_S


def deed_words(rung: Rung, standing: str = "") -> str:
    """What the button offers. Refusing is never final: what does not fit can be had anyway."""
    if standing and rung.path is None:
        return standing
    anyway = " anyway" if rung.fit is Fit.NO else ""
    if rung.path is not None:
        return f"Load{anyway}" if anyway else "Chat with it"
    amount = f" {size(rung.file_size)}" if rung.file_size else ""
    return f"Download{anyway}{amount}"


class LadderTable(QWidget):
    """Keeps the chosen quantization while the ladder moves; until one is chosen it is the recommended one."""

    download_requested = Signal(object)
    """A `Rung` that is not on this machine."""
    chat_requested = Signal(object)
    """A `Rung` that is."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: list[RungRow] = []
        self._shown = 0
        self._chosen: str | None = None
        self._waiting = False
        self._downloads: Mapping[str, Download] = {}
        self._head = LadderHead(self)
        self._group = QButtonGroup(self)
        self._group.setExclusive(True)
        self._group.buttonClicked.connect(self._choose)
        self._button = QPushButton(self)
        self._button.setDefault(True)
        self._button.setAutoDefault(False)
        self._button.clicked.connect(self._do)
        self.setAccessibleName("Quantizations")

    @property
    def rows(self) -> list[RungRow]:
        """Those that are shown."""
        return self._rows[: self._shown]

    @property
    def button(self) -> QPushButton:
        """The one deed."""
        return self._button

    @property
    def chosen_row(self) -> RungRow | None:
        """The row that the button speaks of."""
        return next((row for row in self.rows if row.isChecked()), None)

    @property
    def chosen(self) -> Rung | None:
        """The rung that the button speaks of."""
        row = self.chosen_row
        return row.rung if row is not None else None

    def set_ladder(self, ladder: Ladder) -> None:
        """Show these rungs, in place of those of the same ladder a moment ago."""
        while len(self._rows) < len(ladder.rungs):
            row = RungRow(self)
            self._group.addButton(row, len(self._rows))
            row.toggled.connect(self._follow)
            self._rows.append(row)
        self._shown = len(ladder.rungs)
        most = ladder.available + ladder.gpu_available
        for row, rung in zip(self._rows, ladder.rungs, strict=False):
            row.set_rung(rung, recommended=rung is ladder.recommended, available=most)
            row.set_standing(_row_words(self._standing(row)))
            row.show()
        for row in self._rows[self._shown :]:
            row.hide()
        wanted = self._chosen or (ladder.recommended.quantization if ladder.recommended else None)
        named = [row for row in self.rows if row.rung.quantization == wanted]
        for row in named[:1] or self.rows[:1]:
            row.setChecked(True)
        self.updateGeometry()
        self._place()

    def set_downloads(self, downloads: Mapping[str, Download]) -> None:
        """What is on its way of this ladder, by quantization in capital letters."""
        if downloads != self._downloads:
            self._downloads = downloads
            for row in self.rows:
                row.set_standing(_row_words(self._standing(row)))
            self._place()

    def _standing(self, row: RungRow) -> str:
        download = self._downloads.get(row.rung.quantization.upper())
        return "" if row.rung.path is not None else standing(download)

    def forget_choice(self) -> None:
        """Another model: its recommended quantization is chosen again."""
        self._chosen = None

    def set_waiting(self, waiting: bool) -> None:
        """The deed is being begun; it cannot be asked for twice."""
        self._waiting = waiting
        self._place()

    def focus_row(self) -> None:
        """Give the keyboard to the chosen row."""
        row = self.chosen_row
        if row is not None:
            row.setFocus(Qt.FocusReason.OtherFocusReason)

    def _choose(self, row: RungRow) -> None:
        self._chosen = row.rung.quantization

    def _follow(self) -> None:
        row = self.chosen_row
        if row is not None and row.hasFocus():
            self._choose(row)
        self._place()

    def _do(self) -> None:
        rung = self.chosen
        if rung is not None:
            (self.download_requested if rung.path is None else self.chat_requested).emit(rung)

    # Placing

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        below = 0 if width >= INLINE_FROM or self.chosen_row is None else _BELOW
        return HEAD_HEIGHT + self._shown * HEIGHT + below

    def sizeHint(self) -> QSize:
        return QSize(INLINE_FROM, self.heightForWidth(self.width()))

    def minimumSizeHint(self) -> QSize:
        return QSize(0, self.heightForWidth(self.width()))

    def _place(self) -> None:
        chosen = self.chosen_row
        inline = self.width() >= INLINE_FROM
        self._head.setGeometry(0, 0, self.width(), HEAD_HEIGHT)
        top = HEAD_HEIGHT
        for row in self.rows:
            height = HEIGHT if inline or row is not chosen else HEIGHT + _BELOW
            row.setGeometry(0, top, self.width(), height)
            top += height
        self._button.setVisible(chosen is not None)
        if chosen is None:
            return
        said = self._standing(chosen)
        words = deed_words(chosen.rung, said)
        self._button.setText(words)
        self._button.setEnabled(not self._waiting and said in ("", "Go on", "Try again"))
        name = f"{words.split(' · ')[0]}: {chosen.rung.quantization}"
        if self._button.accessibleName() != name:  # not for each percent
            self._button.setAccessibleName(name)
        width = max(BUTTON_WIDTH, self._button.sizeHint().width())
        if inline:
            top = chosen.y() + (HEIGHT - _BUTTON_HEIGHT) // 2
            where = QRect(self.width() - theme.SPACE_M - width, top, width, _BUTTON_HEIGHT)
        else:
            where = QRect(NAME_LEFT, chosen.y() + HEIGHT, width, _BUTTON_HEIGHT)
        self._button.setGeometry(QStyle.visualRect(self.layoutDirection(), self.rect(), where))
        self._button.raise_()


def _row_words(standing: str) -> str:
    """A row says how it stands where the button says what can be done."""
    return {"Go on": "Paused", "Try again": "Not downloaded"}.get(standing, standing)
