"""The settings page: appearance, loading models, what new chats begin with, network, updates, folders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QCheckBox,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.services.update_session import UpdateSession
from app.storage.licences import licences
from app.storage.paths import Paths
from app.storage.secrets import TokenPlace
from app.storage.settings import MAXIMUM_CONTEXT_LENGTH, MAXIMUM_THREADS, Settings, Theme
from app.ui import theme
from app.ui.chat.parameters import ParametersForm, WheelGuard
from app.ui.choice import Choice
from app.ui.settings.updates import UpdatesGroup

_THEMES: tuple[tuple[str, Theme], ...] = (("As the system", "system"), ("Light", "light"), ("Dark", "dark"))

_FIELD_WIDTH = 160


class SettingsPage(QScrollArea):
    """Every change takes effect at once and is kept; there is nothing to confirm."""

    changed = Signal(object)
    """`Settings`."""
    log_requested = Signal()
    token_requested = Signal()
    """Enter, change or forget the hub's token."""

    def __init__(
        self,
        settings: Callable[[], Settings],
        paths: Paths,
        updates: UpdateSession,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._settings = settings
        self._paths = paths
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        column = QWidget(self)
        column.setMaximumWidth(theme.COLUMN_WIDTH)
        layout = QVBoxLayout(column)
        layout.setContentsMargins(theme.SPACE_XL, theme.SPACE_XL, theme.SPACE_XL, theme.SPACE_XL)
        layout.setSpacing(theme.SPACE_M)
        title = QLabel("Settings", column)
        title.setFont(theme.body_font(theme.SIZE_TITLE, semibold=True))
        layout.addWidget(title)
        self._add_appearance(layout)
        self._add_engine(layout)
        self._add_new_conversations(layout)
        self._add_network(layout)
        self._add_updates(updates, layout)
        self._add_data(layout)
        layout.addStretch(1)
        page = QWidget(self)
        centred = QHBoxLayout(page)
        centred.setContentsMargins(0, 0, 0, 0)
        centred.addStretch(1)
        centred.addWidget(column, 1000)
        centred.addStretch(1)
        self.setWidget(page)

    def _add_appearance(self, layout: QVBoxLayout) -> None:
        form = _section("Appearance", layout)
        self._theme = Choice()
        self._theme.setMinimumWidth(_FIELD_WIDTH)
        for label, value in _THEMES:
            self._theme.addItem(label, value)
        self._theme.setCurrentIndex(self._theme.findData(self._settings().theme))
        self._theme.setAccessibleName("Colours")
        self._theme.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._theme.installEventFilter(WheelGuard(self._theme))
        self._theme.activated.connect(self._keep)
        _add_row(form, "Colours", self._theme)

    def _add_engine(self, layout: QVBoxLayout) -> None:
        form = _section("Loading a model", layout)
        self._context = _count(
            MAXIMUM_CONTEXT_LENGTH,
            self._settings().context_length,
            "Context length",
            "Tokens that question and reply may take together. Automatic: as many as the model was made for "
            "and this machine's memory holds.",
        )
        self._context.setSingleStep(1024)
        self._threads = _count(
            MAXIMUM_THREADS,
            self._settings().threads,
            "Threads",
            "CPU threads that compute. Automatic: one for each physical core Edgewise may use.",
        )
        for field in (self._context, self._threads):
            field.editingFinished.connect(self._keep)
            _add_row(form, field.accessibleName(), field)
        _hint("A change takes effect when a model is loaded next.", layout)
        log = QPushButton("Show the engine's log")
        log.clicked.connect(self.log_requested)
        layout.addWidget(log, 0, Qt.AlignmentFlag.AlignLeft)

    def _add_new_conversations(self, layout: QVBoxLayout) -> None:
        _section("New conversations begin with", layout)
        self._form = ParametersForm()
        self._form.setContentsMargins(-theme.SPACE_L, 0, 0, 0)
        self._form.show_values(self._settings().system_prompt, self._settings().params)
        self._form.system_prompt_changed.connect(
            lambda prompt: self.changed.emit(replace(self._settings(), system_prompt=prompt))
        )
        self._form.params_changed.connect(
            lambda params: self.changed.emit(replace(self._settings(), params=params))
        )
        layout.addWidget(self._form)

    def _add_network(self, layout: QVBoxLayout) -> None:
        _section("Network", layout)
        self._offline = QCheckBox("Work offline: nothing is looked up or downloaded")
        self._offline.setChecked(self._settings().offline)
        self._offline.toggled.connect(self._keep)
        layout.addWidget(self._offline)
        _hint("Without it Edgewise asks the model hub when you search, open a model or download one.", layout)
        row = QHBoxLayout()
        self._token = QLabel("Hub token: looking…")
        self._token.setTextFormat(Qt.TextFormat.PlainText)
        self._token.setWordWrap(True)
        button = QPushButton("Token…")
        button.setAccessibleName("Enter, change or forget the hub token")
        button.clicked.connect(lambda: self.token_requested.emit())
        row.addWidget(self._token, 1)
        row.addWidget(button)
        layout.addLayout(row)

    def show_token(self, place: TokenPlace) -> None:
        """Where the hub's token is, if there is one."""
        known = place is not TokenPlace.NOWHERE
        self._token.setText(f"Hub token: {place.value if known else 'none. Gated models ask for one.'}")

    def _add_updates(self, updates: UpdateSession, layout: QVBoxLayout) -> None:
        _section("Updates", layout)
        self._updates = UpdatesGroup(updates, daily=self._settings().look_for_updates)
        self._updates.daily_changed.connect(self._keep)
        layout.addWidget(self._updates)

    def _add_data(self, layout: QVBoxLayout) -> None:
        _section("Where things lie", layout)
        for label, folder in (("Data folder", self._paths.home), ("Model folder", self._paths.models)):
            row = QHBoxLayout()
            words = QLabel(f"{label}\n{folder}")
            words.setTextInteractionFlags(
                Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
            )
            words.setTextFormat(Qt.TextFormat.PlainText)
            words.setWordWrap(True)
            button = QPushButton("Open")
            button.setAccessibleName(f"Open the {label.lower()}")
            button.clicked.connect(
                lambda _=False, path=folder: QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))
            )
            row.addWidget(words, 1)
            row.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
            layout.addLayout(row)
        _hint(f"{_stays(portable=self._paths.portable)} {_TOKENS}", layout)
        notices = QPushButton("Licences of what Edgewise carries")
        notices.clicked.connect(lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(licences()))))
        layout.addWidget(notices, 0, Qt.AlignmentFlag.AlignLeft)

    def flush(self) -> None:
        """Keep what was typed a moment ago."""
        self._keep()
        self._form.flush()

    def _keep(self) -> None:
        settings = replace(
            self._settings(),
            theme=self._theme.currentData(),
            context_length=self._context.value() or None,
            threads=self._threads.value() or None,
            offline=self._offline.isChecked(),
            look_for_updates=self._updates.daily.isChecked(),
        )
        if settings != self._settings():
            self.changed.emit(settings)


_TOKENS = "Tokens and keys are kept in the system’s keyring instead."


def _stays(*, portable: bool) -> str:
    if portable:
        return (
            "This Edgewise is portable: conversations and models stay in these folders beside it, and go "
            "along with it. Engines that were installed must be installed again where it has moved to."
        )
    return "Conversations and models stay in these folders, on this machine."


def _section(title: str, layout: QVBoxLayout) -> QFormLayout:
    heading = QLabel(title)
    heading.setFont(theme.body_font(theme.SIZE_HEADING, semibold=True))
    layout.addSpacing(theme.SPACE_L)
    layout.addWidget(heading)
    form = QFormLayout()
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.FieldsStayAtSizeHint)
    form.setHorizontalSpacing(theme.SPACE_L)
    form.setVerticalSpacing(theme.SPACE_S)
    layout.addLayout(form)
    return form


def _add_row(form: QFormLayout, name: str, field: QWidget) -> None:
    form.addRow(name, field)
    form.labelForField(field).setMinimumHeight(field.sizeHint().height())  # else it stands above its middle


def _hint(words: str, layout: QVBoxLayout) -> None:
    label = QLabel(words)
    label.setFont(theme.body_font(theme.SIZE_SECONDARY))
    label.setForegroundRole(label.foregroundRole().PlaceholderText)
    label.setWordWrap(True)
    layout.addWidget(label)


def _count(maximum: int, value: int | None, name: str, explanation: str) -> QSpinBox:
    """A whole number; its lowest step, 0, says "automatic"."""
    field = QSpinBox()
    field.setRange(0, maximum)
    field.setSpecialValueText("automatic")
    field.setValue(value or 0)
    field.setGroupSeparatorShown(True)
    field.setAccessibleName(name)
    field.setAccessibleDescription(explanation)
    field.setToolTip(explanation)
    field.setMinimumWidth(_FIELD_WIDTH)
    field.lineEdit().setTextMargins(theme.SPACE_XS, 0, theme.SPACE_XS, 0)
    field.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    field.installEventFilter(WheelGuard(field))
    return field
