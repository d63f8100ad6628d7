"""Attaches a server by its address: looked at first, so that a person sees what it is."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.domain.attached import ServerFacts, ServerKind
from app.domain.errors import EdgewiseError
from app.domain.server_address import LONGEST, ServerAddress
from app.ui import theme
from app.ui.announce import announce
from app.ui.engines.server_row import kind_words, models_words
from app.ui.engines.state_line import StateLine
from app.ui.engines.wrapped import Wrapped

_WIDTH = 600
_LONGEST_NAME = 80
_LONGEST_KEY = 4096


class AttachDialog(QDialog):
    """Look, then attach. It stays open until `settle` says that the server is kept, or why it is not."""

    look_requested = Signal(str, str, object)
    """Address as it was typed, key ("" for none), a `Path` of certificates or None."""
    attach_requested = Signal(str)
    """The name that a person gave to what was looked at last."""

    def __init__(self, *, offline: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._offline = offline
        self._blocked = False
        self._facts: ServerFacts | None = None
        self.setWindowTitle("Attach a server")
        self.setMinimumWidth(_WIDTH)
        intro = Wrapped(
            self,
            "Any server that speaks the OpenAI API: vLLM or SGLang on a GPU machine, a TensorRT-LLM "
            "container, LM Studio, Ollama, another Edgewise. It is used like an engine of this machine.",
        )
        self._address = _field("Address", "https://gpu.example.org:8000/v1", LONGEST, self)
        self._key = _field("Key", "only if the server asks for one", _LONGEST_KEY, self)
        self._key.setEchoMode(QLineEdit.EchoMode.Password)
        reveal = QCheckBox("Show it", self)
        reveal.toggled.connect(
            lambda shown: self._key.setEchoMode(
                QLineEdit.EchoMode.Normal if shown else QLineEdit.EchoMode.Password
            )
        )
        self._ca = _field("Certificates", "only for a server with a certificate of its own", 1024, self)
        self._ca.setAccessibleDescription("A PEM file that vouches for the server, if your system does not")
        choose = QPushButton("Choose…", self)
        choose.setAccessibleName("Choose a file of certificates")
        choose.setAutoDefault(False)
        choose.clicked.connect(self._choose)
        self._name = _field("Name", "as you want to see it", _LONGEST_NAME, self)
        self._remote = Wrapped(self, size=theme.SIZE_MONO)
        self._found = StateLine(self)
        self._models = Wrapped(self, size=theme.SIZE_MONO, quiet=True)
        self._problem = Wrapped(self, size=theme.SIZE_MONO)
        self._problem.setForegroundRole(self._problem.foregroundRole().BrightText)
        keyring = "A key is kept in your system’s keyring, in no file and no log."
        kept = Wrapped(self, keyring, size=theme.SIZE_SECONDARY, quiet=True)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, self)
        self._look = QPushButton("Look", self)
        self._look.setAccessibleDescription("Asks the server what it is and which models it has")
        self._attach = buttons.addButton("Attach", QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.addButton(self._look, QDialogButtonBox.ButtonRole.ActionRole)
        self._look.clicked.connect(self._ask)
        self._attach.clicked.connect(self._take)
        buttons.rejected.connect(self.reject)
        for field in (self._address, self._key, self._ca):
            field.textChanged.connect(self._typed)
        self._name.textChanged.connect(self._show_buttons)

        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setHorizontalSpacing(theme.SPACE_L)
        form.setVerticalSpacing(theme.SPACE_S)
        _add(form, "Address", self._address)
        _add(form, "Key", self._key, reveal)
        _add(form, "Certificates", self._ca, choose)
        _add(form, "Name", self._name)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.SPACE_XL, theme.SPACE_XL, theme.SPACE_XL, theme.SPACE_L)
        layout.setSpacing(theme.SPACE_M)
        layout.addWidget(intro)
        layout.addLayout(form)
        told = QVBoxLayout()
        told.setSpacing(theme.SPACE_XS)
        for line in (self._remote, self._found, self._models, self._problem):
            told.addWidget(line)
        layout.addLayout(told)
        layout.addStretch(1)
        layout.addWidget(kept)
        layout.addWidget(buttons)
        self._typed()
        self._address.setFocus()

    def show_facts(self, facts: ServerFacts) -> None:
        """What the server said of itself."""
        self._set_busy(busy=False)
        self._facts = facts
        usable = bool(facts.models)
        self._found.say(
            f"{kind_words(facts)} answers", "ready" if usable else "busy", "check" if usable else "warning"
        )
        self._found.show()
        self._models.setText(f"Models: {models_words(facts)}" if usable else "It has no models yet.")
        self._models.show()
        if not self._name.text().strip():
            self._name.setText(self._proposed(facts))
        self._show_buttons()
        (self._attach if self._attach.isEnabled() else self._look).setFocus(Qt.FocusReason.OtherFocusReason)
        announce(self, f"{self._found.text}. {self._models.text()}")

    def show_error(self, error: EdgewiseError) -> None:
        """Why it could not be looked at."""
        self.show_problem(error.message)

    def show_problem(self, problem: str) -> None:
        """Why it could not be looked at or kept."""
        self._set_busy(busy=False)
        self._problem.setText(problem)
        self._problem.show()
        self._found.hide()
        self._show_buttons()
        self._address.setFocus(Qt.FocusReason.OtherFocusReason)
        announce(self, problem)

    def settle(self, problem: str = "") -> None:
        """It is kept: close. With a `problem` say it and stay."""
        if problem:
            self.show_problem(problem)
            return
        self._key.clear()
        self.accept()

    def _proposed(self, facts: ServerFacts) -> str:
        host = self._parsed().host
        return host if facts.kind is ServerKind.UNKNOWN else f"{facts.kind.value} on {host}"

    def _parsed(self) -> ServerAddress:
        return ServerAddress.parse(self._address.text())

    def _typed(self) -> None:
        """What was looked at is another one now."""
        self._facts = None
        self._blocked = False
        remote = problem = ""
        if self._address.text().strip():
            try:
                address = self._parsed()
            except EdgewiseError as error:
                # Not while the beginning of one is being typed.
                problem = error.message if "." in self._address.text() else ""
            else:
                if address.remote:
                    remote = f"What you write leaves this machine: it is sent to {address.host}."
                if address.readable_by_others:
                    remote += (
                        " The connection is not encrypted, so the network between can read it, the key too."
                    )
                self._blocked = address.remote and self._offline
                if self._blocked:
                    problem = (
                        "Offline mode is on, so nothing is sent to another machine. Switch it off in the "
                        "settings first."
                    )
        self._remote.setText(remote)
        self._remote.setVisible(bool(remote))
        self._problem.setText(problem)
        self._problem.setVisible(bool(problem))
        self._found.hide()
        self._models.hide()
        self._show_buttons()

    def _show_buttons(self) -> None:
        can_attach = self._facts is not None and bool(self._name.text().strip())
        self._look.setEnabled(bool(self._address.text().strip()) and not self._blocked)
        self._attach.setEnabled(can_attach)
        self._look.setDefault(not can_attach)
        self._attach.setDefault(can_attach)

    def _ask(self) -> None:
        self._problem.hide()
        self._set_busy(busy=True)
        self._found.say("Asking the server…", "secondary", waiting=True)
        self._found.show()
        ca = self._ca.text().strip()
        self.look_requested.emit(
            self._address.text().strip(), self._key.text().strip(), Path(ca).expanduser() if ca else None
        )

    def _take(self) -> None:
        self._set_busy(busy=True)
        self.attach_requested.emit(self._name.text().strip())

    def _choose(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(
            self, "Certificates", "", "Certificates (*.pem *.crt *.cer);;All files (*)"
        )
        if chosen:
            self._ca.setText(chosen)

    def _set_busy(self, *, busy: bool) -> None:
        for widget in (self._address, self._key, self._ca, self._name, self._look, self._attach):
            widget.setEnabled(not busy)


def _field(name: str, example: str, longest: int, parent: QWidget) -> QLineEdit:
    field = QLineEdit(parent)
    field.setMaxLength(longest)
    field.setPlaceholderText(example)
    field.setAccessibleName(name)
    return field


def _add(form: QFormLayout, name: str, field: QWidget, beside: QWidget | None = None) -> None:
    line = QHBoxLayout()
    line.setSpacing(theme.SPACE_S)
    line.addWidget(field, 1)
    if beside is not None:
        line.addWidget(beside)
    label = QLabel(name)
    label.setBuddy(field)
    label.setMinimumHeight(field.sizeHint().height())  # else it stands above its middle
    form.addRow(label, line)
