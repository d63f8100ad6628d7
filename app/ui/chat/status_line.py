"""What the last reply measured, and how full the context is."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from app.domain.metrics import GenerationMetrics
from app.ui import theme

NEARLY_FULL = 0.9


class StatusLine(QWidget):
    """Speed and first token on the left, the context meter on the right."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._speed = QLabel(self)
        self._context = QLabel(self)
        self._meter = _Meter(self)
        for label in (self._speed, self._context):
            label.setFont(theme.tabular_font())
            label.setForegroundRole(label.foregroundRole().PlaceholderText)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(theme.SPACE_XS, theme.SPACE_XS, theme.SPACE_XS, theme.SPACE_XS)
        layout.setSpacing(theme.SPACE_S)
        layout.addWidget(self._speed)
        layout.addStretch(1)
        layout.addWidget(self._context)
        layout.addWidget(self._meter)
        self.setMinimumHeight(24)

    @property
    def text(self) -> str:
        """All its words."""
        return f"{self._speed.text()} {self._context.text()}".strip()

    def show_metrics(self, metrics: GenerationMetrics | None, context_length: int | None) -> None:
        """Show what is known; what was not measured is left out, never shown as zero."""
        self._speed.setText(speed_words(metrics))
        used = None
        if metrics and metrics.prompt_tokens is not None and metrics.completion_tokens is not None:
            used = metrics.prompt_tokens + metrics.completion_tokens
        if context_length is None:
            self._context.setText(f"{used:,} tokens of context used" if used else "")
        else:
            self._context.setText(f"{used or 0:,} of {context_length:,} tokens")
        self._meter.set_share(min(1.0, (used or 0) / context_length) if context_length else None)
        self._context.setToolTip("Tokens of the model's context that this conversation takes")


def speed_words(metrics: GenerationMetrics | None) -> str:
    """Such as "18.4 tok/s · first token 0.21 s"; empty when nothing was measured."""
    if metrics is None:
        return ""
    parts = []
    speed = metrics.tokens_per_second or metrics.server_tokens_per_second
    if speed is not None:
        parts.append(f"{speed:.1f} tok/s")
    if metrics.ttft_s is not None:
        parts.append(f"first token {metrics.ttft_s:.2f} s")
    return " · ".join(parts)


class _Meter(QWidget):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._share: float | None = None
        self.setFixedSize(QSize(64, 4))

    def set_share(self, share: float | None) -> None:
        self._share = share
        self.setVisible(share is not None)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        colours = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colours.hairline)
        painter.drawRoundedRect(QRectF(self.rect()), 2, 2)
        share = self._share or 0.0
        painter.setBrush(colours.busy if share > NEARLY_FULL else colours.accent)
        filled = QRectF(0, 0, self.width() * share, self.height())
        if self.layoutDirection() is Qt.LayoutDirection.RightToLeft:
            filled.moveRight(self.width())
        painter.drawRoundedRect(filled, 2, 2)
