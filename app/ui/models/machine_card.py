"""This machine on top of the catalog: what decides which model runs, and all the rest on opening."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.domain.machine import Gpu, Machine
from app.models.one_line import one_line
from app.services.machine_words import machine_words, power_words
from app.ui import icons, theme
from app.ui.spinner import Spinner
from app.ui.words import size, size_of

_BAR_WIDTH, _BAR_HEIGHT = 160, 6


class MachineCard(QWidget):
    """Three states: being looked at, known without its memory's speed, known."""

    measure_requested = Signal()
    """Look again, and measure the memory's bandwidth, which takes a second."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._machine: Machine | None = None
        self._busy = False
        self.setAccessibleName("This machine")
        heading = QLabel("This machine", self)
        heading.setFont(theme.body_font(semibold=True))
        self._spinner = Spinner(self)
        self._measure = QPushButton("Measure again", self)
        self._measure.clicked.connect(self.measure_requested)
        self._toggle = QToolButton(self)
        self._toggle.setAutoRaise(True)
        self._toggle.setCheckable(True)
        self._toggle.setFixedSize(28, 28)
        self._toggle.toggled.connect(self._show_details)
        self._processor = _line(self)
        self._processor.setFont(theme.body_font())
        self._bar = _Bar(self)
        self._memory = _line(self)
        self._memory.setFont(theme.tabular_font())
        self._rest = _line(self)
        self._rest.setFont(theme.tabular_font())
        self._rest.setForegroundRole(self._rest.foregroundRole().PlaceholderText)
        self._details = QWidget(self)
        self._form = QFormLayout(self._details)
        self._form.setContentsMargins(0, theme.SPACE_S, 0, 0)
        self._form.setHorizontalSpacing(theme.SPACE_L)
        self._form.setVerticalSpacing(theme.SPACE_XS)
        self._details.hide()

        top = QHBoxLayout()
        top.setSpacing(theme.SPACE_S)
        top.addWidget(heading)
        top.addWidget(self._spinner)
        top.addStretch(1)
        top.addWidget(self._measure)
        top.addWidget(self._toggle)
        memory = QHBoxLayout()
        memory.setSpacing(theme.SPACE_M)
        memory.addWidget(self._bar)
        memory.addWidget(self._memory, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.SPACE_L, theme.SPACE_M, theme.SPACE_M, theme.SPACE_M)
        layout.setSpacing(theme.SPACE_XS)
        layout.addLayout(top)
        layout.addWidget(self._processor)
        layout.addLayout(memory)
        layout.addWidget(self._rest)
        layout.addWidget(self._details)
        self._show_details(False)
        self.set_busy(True)

    def set_machine(self, machine: Machine) -> None:
        """It is known now."""
        self._machine = machine
        self.set_busy(False)
        cpu, memory = machine.cpu, machine.memory
        cores = f"{cpu.physical_cores} core{'' if cpu.physical_cores == 1 else 's'}"
        self._processor.setText(f"{one_line(cpu.model, 120)}, {cores}")
        total = min(memory.total, memory.limit) if memory.limit is not None else memory.total
        self._bar.set_share(1 - memory.available / total if total else 0.0)
        self._memory.setText(f"{size_of(memory.available, total)} memory free")
        self._rest.setText(" · ".join(_rest(machine)))
        while self._form.rowCount():
            self._form.removeRow(0)
        for label, text in machine_words(machine):
            named, told = _line(self._details), _line(self._details)
            named.setText(label)
            named.setWordWrap(False)
            named.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
            named.setForegroundRole(named.foregroundRole().PlaceholderText)
            told.setText(one_line(text, 400))
            told.setWordWrap(True)
            told.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            for one in (named, told):
                one.setFont(theme.tabular_font())
            self._form.addRow(named, told)

    def set_busy(self, busy: bool) -> None:
        """It is being looked at or measured."""
        self._busy = busy
        self._spinner.set_busy(busy)
        self._measure.setEnabled(not busy)
        measured = self._machine is not None and self._machine.bandwidth is not None
        self._measure.setText("Measure again" if measured else "Measure now")
        self._measure.setVisible(self._toggle.isChecked() or (self._machine is not None and not measured))
        if self._machine is None:
            self._processor.setText("Looking at this machine…" if busy else "This machine could not be read")
        known = self._machine is not None
        for widget in (self._bar, self._memory, self._rest, self._toggle):
            widget.setVisible(known)

    def _show_details(self, shown: bool) -> None:
        self._details.setVisible(shown)
        self._measure.setVisible(shown or (self._machine is not None and self._machine.bandwidth is None))
        icons.set_icon(self._toggle, "chevron-up" if shown else "chevron-down", "secondary", 16)
        said = "Hide details" if shown else "Show details"
        self._toggle.setToolTip(said)
        self._toggle.setAccessibleName(f"{said} of this machine")

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.current().surface)
        painter.drawRoundedRect(QRectF(self.rect()), theme.RADIUS_CARD, theme.RADIUS_CARD)


class _Bar(QWidget):
    """How much of the memory is taken."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._share = 0.0
        self.setFixedSize(_BAR_WIDTH, _BAR_HEIGHT)

    def set_share(self, share: float) -> None:
        self._share = max(0.0, min(1.0, share))
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(_BAR_WIDTH, _BAR_HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        colours = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        whole = QRectF(self.rect())
        radius = _BAR_HEIGHT / 2
        painter.setBrush(colours.wash(0.12))
        painter.drawRoundedRect(whole, radius, radius)
        taken = QRectF(whole)
        taken.setWidth(max(_BAR_HEIGHT, whole.width() * self._share))
        if self.layoutDirection() is Qt.LayoutDirection.RightToLeft:
            taken.moveRight(whole.right())
        painter.setBrush(colours.secondary)
        painter.drawRoundedRect(taken, radius, radius)


def _rest(machine: Machine) -> list[str]:
    """GPUs, disk, bandwidth and power in a few words each."""
    parts = [_gpu(gpu) for gpu in machine.gpus] or ["no GPU found"]
    if machine.bandwidth is not None:
        parts.append(f"memory moves {(machine.bandwidth.read or machine.bandwidth.copy) / 1e9:.0f} GB/s")
    else:
        parts.append("memory speed not measured yet")
    if machine.disk.free is not None:
        parts.append(f"{size(machine.disk.free)} free on disk")
    if machine.power is not None and machine.power.on_battery is not None:
        parts.append(f"on {power_words(machine.power)}")
    parts[0] = parts[0][:1].upper() + parts[0][1:]
    return parts


def _gpu(gpu: Gpu) -> str:
    name = one_line(gpu.name, 60)
    if gpu.unified_memory:
        return f"{name}, shares the memory"
    if gpu.memory_total is None:
        return name
    if gpu.memory_free is None:
        return f"{name}, {size(gpu.memory_total)}"
    return f"{name}, {size_of(gpu.memory_free, gpu.memory_total)} free"


def _line(parent: QWidget) -> QLabel:
    label = QLabel(parent)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
    return label
