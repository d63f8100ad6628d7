"""Everything known of one model on this machine, beside the list."""

from __future__ import annotations

import time
from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import (
    QFontMetrics,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QShowEvent,
    QTextOption,
)
from PySide6.QtWidgets import (
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.domain.hub import Format
from app.domain.model import LibraryEntry, ModelDetails, Soundness, Verification
from app.domain.quantization import known
from app.ui import icons, theme, words
from app.ui.chat.quiet_button import QuietButton
from app.ui.models.library_table import name_of, place_words, usable

_ICON = 16
_MOST_LANGUAGES = 8


class DetailsPanel(QScrollArea):
    """What the header says, where the file lies, whether it is whole, what it will take."""

    chat_requested = Signal(object)
    """The `LibraryEntry` shown, as in the signals that follow."""
    verify_requested = Signal(object)
    reveal_requested = Signal(object)
    closed = Signal()
    """By its cross or by Escape."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._entry: LibraryEntry | None = None
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        page = _Page(self)
        self._title = _wrapped(page)
        self._title.setFont(theme.body_font(theme.SIZE_HEADING, semibold=True))
        self._cross = QuietButton("close", "Close the details", page)
        self._cross.set_revealed(True)
        self._cross.clicked.connect(self.closed)
        self._chat = QPushButton("Chat with it", page)
        self._verify = QPushButton("Verify", page)
        self._verify.setAccessibleDescription("Reads the whole file and compares it with what it should be")
        self._reveal = QPushButton("Show in folder", page)
        for button, signal in (
            (self._chat, self.chat_requested),
            (self._verify, self.verify_requested),
            (self._reveal, self.reveal_requested),
        ):
            button.clicked.connect(lambda _=False, signal=signal: signal.emit(self._entry))
        self._problem = _Remark(page)
        self._facts = _Facts(page)
        self._forecast_title = _subtitle("On this machine it takes", page)
        self._forecast = _Facts(page)
        self._check_title = _subtitle("The file", page)
        self._check = _Remark(page)
        self._path = _PathText(page)
        self._arrange(page)
        QWidget.setTabOrder(self._chat, self._path)
        QWidget.setTabOrder(self._path, self._verify)
        self.setWidget(page)
        self._forecast_title.hide()
        self._forecast.hide()

    def _arrange(self, page: QWidget) -> None:
        top = QHBoxLayout()
        top.setSpacing(theme.SPACE_S)
        top.addWidget(self._title, 1)
        top.addWidget(self._cross, 0, Qt.AlignmentFlag.AlignTop)
        deeds = QHBoxLayout()
        deeds.setSpacing(theme.SPACE_S)
        deeds.addWidget(self._verify)
        deeds.addWidget(self._reveal)
        deeds.addStretch(1)
        layout = QVBoxLayout(page)
        layout.setContentsMargins(theme.SPACE_L, theme.SPACE_M, theme.SPACE_L, theme.SPACE_L)
        layout.setSpacing(theme.SPACE_S)
        layout.addLayout(top)
        layout.addWidget(self._problem)
        layout.addWidget(self._chat, 0, Qt.AlignmentFlag.AlignLeading)
        layout.addSpacing(theme.SPACE_S)
        layout.addWidget(self._facts)
        layout.addWidget(self._forecast_title)
        layout.addWidget(self._forecast)
        layout.addWidget(self._check_title)
        layout.addWidget(self._path)
        layout.addWidget(self._check)
        layout.addLayout(deeds)
        layout.addStretch(1)

    def set_entry(self, entry: LibraryEntry) -> None:
        """Show this model; what was said of the check and the forecast of another one goes."""
        another = self._entry is None or self._entry.model.name != entry.model.name
        self._entry = entry
        name = name_of(entry)
        self.setAccessibleName(f"Details of {name}")
        self._title.setText(name)
        self._problem.say(entry.problem, "failed", "warning")
        self._chat.setEnabled(usable(entry))
        for button in (self._chat, self._reveal):
            button.setAccessibleDescription(name)
        self._facts.set_rows(_facts(entry))
        self._path.set_path(str(entry.model.path))
        if another:
            self.set_check(None)
            self.set_forecast(())
            self.verticalScrollBar().setValue(0)

    def set_check(self, verification: Verification | None) -> None:
        """Whether the file is what it should be; None: it was not looked at."""
        if verification is None:
            self._check.say("Not verified since this window was opened.", "secondary", "")
        elif verification.soundness is Soundness.DAMAGED:
            self._check.say(verification.message, "failed", "warning")
        else:
            self._check.say(verification.message, "ready", "check")

    def set_forecast(self, rows: Sequence[tuple[str, str]]) -> None:
        """What the model takes on this machine: name and figure, in words."""
        self._forecast.set_rows(rows)
        self._forecast.setVisible(bool(rows))
        self._forecast_title.setVisible(bool(rows))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._cross.setFocus(Qt.FocusReason.OtherFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        else:
            super().keyPressEvent(event)


class _Page(QWidget):
    """With a hairline towards the list."""

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        mirrored = self.layoutDirection() is Qt.LayoutDirection.RightToLeft
        x = self.width() - 1 if mirrored else 0
        QPainter(self).fillRect(x, 0, 1, self.height(), theme.current().hairline)


class _Facts(QWidget):
    """Names on the left, what is known on the right."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._rows: tuple[tuple[str, str], ...] = ()
        self._form = QFormLayout(self)
        self._form.setContentsMargins(0, 0, 0, 0)
        self._form.setHorizontalSpacing(theme.SPACE_M)
        self._form.setVerticalSpacing(theme.SPACE_XS + 2)
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)

    def set_rows(self, rows: Sequence[tuple[str, str]]) -> None:
        """Show these; what stays the same stays as it is, so that a selection of text does."""
        if tuple(rows) == self._rows:
            return
        self._rows = tuple(rows)
        while self._form.rowCount():
            self._form.removeRow(0)
        for name, value in rows:
            label = QLabel(name, self)
            label.setForegroundRole(label.foregroundRole().PlaceholderText)
            # As high as the row: else the form puts it beside the middle of a value of two lines.
            label.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.MinimumExpanding)
            label.setAlignment(Qt.AlignmentFlag.AlignLeading | Qt.AlignmentFlag.AlignTop)
            said = _wrapped(self)
            said.setText(value)
            said.setAccessibleName(f"{name}: {value}")
            said.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            for one in (label, said):
                one.setFont(theme.tabular_font())
            self._form.addRow(label, said)


class _Remark(QWidget):
    """A sentence with the icon of its state; hidden without one."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._icon_name, self._role = "", "secondary"
        self._icon = QLabel(self)
        self._words = _wrapped(self)
        self._words.setFont(theme.body_font(theme.SIZE_SECONDARY))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.SPACE_XS)
        layout.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        layout.addWidget(self._words, 1)
        theme.source().changed.connect(self._colour)

    def say(self, sentence: str, role: str, icon: str) -> None:
        """Say it in the theme's colour `role`."""
        self._icon_name, self._role = icon, role
        self._words.setText(sentence)
        self.setVisible(bool(sentence))
        self._colour()

    def _colour(self) -> None:
        ink = getattr(theme.current(), self._role)
        palette = self._words.palette()
        palette.setColor(self._words.foregroundRole(), ink)
        self._words.setPalette(palette)
        self._icon.setVisible(bool(self._icon_name))
        if self._icon_name:
            self._icon.setPixmap(icons.pixmap(self._icon_name, ink, _ICON, self.devicePixelRatioF()))


class _PathText(QPlainTextEdit):
    """A path to select and copy, broken wherever there is no room, as high as its lines."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setReadOnly(True)
        self.setTabChangesFocus(True)
        self.setProperty("framed", True)
        self.setFont(theme.mono_font(theme.SIZE_SECONDARY))
        self.setWordWrapMode(QTextOption.WrapMode.WrapAnywhere)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.document().setDocumentMargin(0)
        self.setAccessibleName("Path")

    def set_path(self, path: str) -> None:
        if path != self.toPlainText():
            self.setPlainText(path)
        self._fit()

    def _fit(self) -> None:
        lines = max(1, int(self.document().size().height()))  # a plain text's height is counted in lines
        around = 2 * (theme.SPACE_XS + 1)  # the padding and the border of a framed field
        self.setFixedHeight(lines * QFontMetrics(self.font()).lineSpacing() + around)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()


def _wrapped(parent: QWidget) -> QLabel:
    label = QLabel(parent)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label


def _subtitle(said: str, parent: QWidget) -> QLabel:
    label = QLabel(said, parent)
    label.setFont(theme.body_font(semibold=True))
    label.setContentsMargins(0, theme.SPACE_M, 0, 0)
    return label


def _facts(entry: LibraryEntry) -> list[tuple[str, str]]:
    """What is known; what the header does not say is left out."""
    model, details = entry.model, entry.details
    rows = [("Name", model.name)]
    if details is not None:
        title = details.title if details.title != model.name else ""
        rows += [(name, value) for name, value in (("Title", title), *_header_facts(details)) if value]
    rows.append(("Size", words.size(model.size)))
    if model.format is Format.SAFETENSORS:
        rows.append(("Format", "safetensors, for the other engines"))
    if entry.projector is not None:
        rows.append(("Sees images", f"with {entry.projector.name}"))
    rows.append(("Where", place_words(model.place)))
    rows.append(("Last used", words.ago(entry.last_used, time.time())))
    return rows


def _header_facts(details: ModelDetails) -> list[tuple[str, str]]:
    """Empty where the header says nothing."""
    quantization = known(details.quantization)
    quality = quantization.quality if quantization is not None else None
    languages = ", ".join(details.languages[:_MOST_LANGUAGES])
    if len(details.languages) > _MOST_LANGUAGES:
        languages += f" and {len(details.languages) - _MOST_LANGUAGES} more"
    context = f"{words.tokens(details.context_length)} tokens" if details.context_length else ""
    return [
        ("Architecture", details.architecture),
        ("Parameters", words.parameters(details.parameters) if details.parameters else ""),
        ("Layers", f"{details.layers:,}" if details.layers else ""),
        ("Quantization", " · ".join(part for part in (details.quantization, quality or "") if part)),
        ("Trained for", context),
        ("Chat template", "in the file" if details.has_template else "none: replies may be poor"),
        ("Licence", details.licence),
        ("Languages", languages),
    ]
