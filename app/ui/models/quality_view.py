"""What was measured of a model's forms: a sentence, one chart, a table, and on what it rests."""

from __future__ import annotations

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFrame, QScrollArea, QVBoxLayout, QWidget

from app.domain.model_quality import Estimate, QualityReport, VariantQuality
from app.models.library import display_name
from app.ui import theme
from app.ui.announce import announce
from app.ui.charts.bar_chart import BarChart
from app.ui.charts.series import Bar, Mark, Series
from app.ui.engines.wrapped import Wrapped
from app.ui.models.quality_table import QualityTable, form_of
from app.ui.words import moment

_SIZE = (960, 680)
_LEAST = (420, 360)
_USUAL_CONTEXT = 512
"""Tokens in a piece, of figures that are published."""
BUSY_SPREAD = 0.15
"""A speed whose standard deviation is a larger share of it was taken while the machine did something else."""
_STEP, _FAINTEST = 0.18, 0.3
"""Each bar's colour is so much fainter than that before it."""
GROUPS = ("Same token as likeliest", "Perplexity", "Size", "Speed of replying")


class QualityView(QDialog):
    """One `QualityReport` as a page to read."""

    def __init__(self, report: QualityReport, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.report = report
        self.setWindowTitle("Measured quality")
        self.setMinimumSize(*_LEAST)
        page = QWidget(self)
        name = display_name(report.original.name)[0] or report.original.name
        title = Wrapped(page, name)
        title.setFont(theme.body_font(theme.SIZE_TITLE, semibold=True))
        when = max(each.at for each in (report.original, *report.variants))
        basis = Wrapped(
            page, f"Measured here {moment(when)}, on {report.text}.", size=theme.SIZE_MONO, quiet=True
        )
        self.verdict = Wrapped(page, "\n".join(verdict(report)))
        self.chart = BarChart("Each form beside the original", page)
        theme.source().changed.connect(self._draw)
        self._draw()
        self.table = QualityTable(report, page)
        self.notes = Wrapped(page, "\n".join(notes(report)), size=theme.SIZE_SECONDARY, quiet=True)
        inner = QVBoxLayout(page)
        inner.setContentsMargins(theme.SPACE_XL, theme.SPACE_XL, theme.SPACE_XL, theme.SPACE_M)
        inner.setSpacing(theme.SPACE_M)
        for part in (title, basis, self.verdict, self.chart, self.table, self.notes):
            inner.addWidget(part)
        inner.addStretch(1)
        area = QScrollArea(self)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setAccessibleName("Measured quality")
        area.setWidget(page)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        self.copy = buttons.addButton("Copy as text", QDialogButtonBox.ButtonRole.ActionRole)
        self.copy.clicked.connect(self._copy)
        buttons.rejected.connect(self.reject)
        buttons.setContentsMargins(theme.SPACE_XL, 0, theme.SPACE_XL, theme.SPACE_L)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.SPACE_M)
        layout.addWidget(area, 1)
        layout.addWidget(buttons)
        self.resize(*_SIZE)
        buttons.button(QDialogButtonBox.StandardButton.Close).setFocus()
        announce(self, self.verdict.text())

    def as_text(self) -> str:
        """All of it, to paste elsewhere."""
        return "\n".join((*verdict(self.report), "", self.chart.as_text(), "", *notes(self.report)))

    def _draw(self) -> None:
        series = series_of(self.report)
        self.chart.set_data(GROUPS, series, write=_percent, caption="In percent of the original")

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.as_text())
        announce(self, "Copied.")


def verdict(report: QualityReport) -> list[str]:
    """What came of it, a sentence for each form."""
    said = []
    for each in report.variants:
        parts = [f"{form_of(each)} is {each.quality.value}"]
        if each.divergence is not None:
            same = each.divergence.same_top.value
            parts.append(f"it holds the same token for the likeliest in {same:.1f} % of cases")
        ratio = each.size / report.original.size
        ending = f", with {ratio:.0%} of the bytes".replace("%", " %")
        if (
            each.speed is not None
            and report.original.speed is not None
            and report.original.speed.generation.value
        ):
            times = each.speed.generation.value / report.original.speed.generation.value
            ending += f" and {times:.1f} times the speed"
        said.append(f"{': '.join(parts)}{ending}.")
    return said


def notes(report: QualityReport) -> list[str]:
    """What the figures rest on, and what speaks against them."""
    said = [
        f"{report.tokens:,} tokens were predicted, in {report.chunks} pieces of {report.context:,}."
        " Perplexity says how surprised a form is by the text; the divergence how far its predictions are"
        " from the original’s.",
    ]
    if report.context < _USUAL_CONTEXT:
        said.append(
            f"The text is short, so its pieces have {report.context} tokens: perplexities that are published"
            " are of pieces of 512, and lower."
        )
    every = (report.original, *report.variants)
    if busy := [form_of(each) for each in every if _was_busy(each)]:
        said.append(f"The machine was busy while it was timed: {', '.join(busy)}.")
    said += [_saw(each) for each in every if each.saw_the_text]
    return said


def series_of(report: QualityReport) -> list[Series]:
    """A series for each form but the original, which is what all are held against."""
    colours = theme.current()
    found = []
    for number, each in enumerate(report.variants):
        # Shades of one colour: those of the engines stand for engines alone.
        strength = max(_FAINTEST, 1.0 - number * _STEP)
        colour = theme.blend(colours.accent, colours.window, strength)
        bars = (_agreement(each), _perplexity(each), _size(each, report), _speed(each, report))
        found.append(Series(form_of(each), bars, colour=colour))
    return found


def _agreement(quality: VariantQuality) -> Bar:
    if quality.divergence is None:
        return Bar(None)
    return _bar(quality.divergence.same_top, 1.0, _doubts(quality))


def _perplexity(quality: VariantQuality) -> Bar:
    divergence = quality.divergence
    if divergence is None or divergence.original_perplexity <= 0:
        return Bar(None)
    return _bar(quality.perplexity, 100 / divergence.original_perplexity, _doubts(quality))


def _size(quality: VariantQuality, report: QualityReport) -> Bar:
    return Bar(100 * quality.size / report.original.size) if report.original.size else Bar(None)


def _speed(quality: VariantQuality, report: QualityReport) -> Bar:
    own, other = quality.speed, report.original.speed
    if own is None or other is None or other.generation.value <= 0:
        return Bar(None)
    marks = (
        (Mark("d", "The machine was busy meanwhile"),)
        if _was_busy(quality) or _was_busy(report.original)
        else ()
    )
    return _bar(own.generation, 100 / other.generation.value, marks)


def _bar(estimate: Estimate, scale: float, marks: tuple[Mark, ...]) -> Bar:
    low, high = estimate.value - estimate.error, estimate.value + estimate.error
    return Bar(estimate.value * scale, low * scale, high * scale, marks=marks)


def _doubts(quality: VariantQuality) -> tuple[Mark, ...]:
    return (Mark("≠", _saw(quality)),) if quality.saw_the_text else ()


def _saw(quality: VariantQuality) -> str:
    name = form_of(quality)
    return f"{name} was made with an importance matrix of this very text: it looks better than it is."


def _was_busy(quality: VariantQuality) -> bool:
    speed = quality.speed
    if speed is None:
        return False
    return any(it.value > 0 and it.error / it.value > BUSY_SPREAD for it in (speed.prompt, speed.generation))


def _percent(value: float) -> str:
    return f"{value:.0f} %" if value >= 99.95 and value == round(value) else f"{value:.1f} %"
