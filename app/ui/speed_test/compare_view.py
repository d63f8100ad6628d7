"""Two tests beside each other: what differs between them, and which figures changed with it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.benchmark.comparison import Change, ColumnComparison, FigureChange, compare
from app.domain.speed_test import SpeedTest, Spread
from app.ui import icons, theme
from app.ui.announce import announce
from app.ui.engines.wrapped import Wrapped
from app.ui.speed_test.case_words import case_words, range_words
from app.ui.speed_test.result_view import title_of
from app.ui.words import moment

_COLUMN = 920
_STRETCH = (5, 4, 4, 6)


class CompareView(QScrollArea):
    """The older test on the one side, the newer one on the other."""

    back_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.back = QPushButton("History", self)
        icons.set_icon(self.back, "back", "secondary", 16)
        self.back.clicked.connect(self.back_requested)
        self._title = Wrapped(self)
        self._title.setFont(theme.body_font(theme.SIZE_TITLE, semibold=True))
        self._content: QWidget | None = None
        column = QWidget(self)
        column.setMaximumWidth(_COLUMN)
        self._layout = QVBoxLayout(column)
        self._layout.setContentsMargins(theme.SPACE_XL, theme.SPACE_L, theme.SPACE_XL, theme.SPACE_XL)
        self._layout.setSpacing(theme.SPACE_S)
        self._layout.addWidget(self.back, 0, Qt.AlignmentFlag.AlignLeading)
        self._layout.addWidget(self._title)
        self._layout.addStretch(1)
        page = QWidget(self)
        centred = QHBoxLayout(page)
        centred.setContentsMargins(0, 0, 0, 0)
        centred.addStretch(1)
        centred.addWidget(column, 1000)
        centred.addStretch(1)
        self.setWidget(page)
        self.setFocusProxy(self.back)

    def texts(self) -> list[str]:
        """All that is said, from top to bottom."""
        found = [self._title.text()]
        if self._content is not None:
            found += [label.text() for label in self._content.findChildren(Wrapped)]
        return found

    def set_tests(self, one: SpeedTest, other: SpeedTest) -> None:
        """Compare these, the older one first."""
        found = compare(one, other)
        names = list(dict.fromkeys((title_of(one), title_of(other))))
        self._title.setText(" and ".join(names))
        if self._content is not None:
            self._layout.removeWidget(self._content)
            self._content.hide()
            self._content.deleteLater()
        content = self._content = QWidget(self.widget())
        layout = QVBoxLayout(content)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.SPACE_S)
        heads = (f"{moment(one.at)}", f"{moment(other.at)}")
        layout.addWidget(Wrapped(content, f"{heads[0]} beside {heads[1]}", size=theme.SIZE_MONO, quiet=True))
        for column in found.columns:
            layout.addSpacing(theme.SPACE_M)
            layout.addWidget(_heading(content, column.name))
            self._add_column(layout, content, column, heads)
        for only, when in ((found.only_in_one, heads[0]), (found.only_in_other, heads[1])):
            if only:
                layout.addWidget(
                    Wrapped(content, f"Only in the test of {when}: {', '.join(only)}.", quiet=True)
                )
        if not found.columns:
            layout.addWidget(
                Wrapped(content, "The two tests have no engine with the same model and precision in common.")
            )
        layout.addSpacing(theme.SPACE_M)
        layout.addWidget(_heading(content, "What else differs"))
        layout.addWidget(_Grid(content, ("", *heads, ""), [_change_row(it) for it in found.changes]))
        if not found.changes:
            layout.addWidget(Wrapped(content, "Nothing that was written down.", quiet=True))
        self._layout.insertWidget(2, content)
        content.show()
        self.verticalScrollBar().setValue(0)

    def tell(self) -> None:
        """Have read out what is compared."""
        announce(self, ". ".join(self.texts()[:2]))

    def _add_column(
        self, layout: QVBoxLayout, content: QWidget, column: ColumnComparison, heads: tuple[str, str]
    ) -> None:
        rows = [_figure_row(figure) for figure in column.figures]
        if rows:
            layout.addWidget(_Grid(content, ("", *heads, "Change"), rows))
        else:
            layout.addWidget(Wrapped(content, "No figure was measured in both.", quiet=True))
        if column.changes:
            layout.addWidget(Wrapped(content, "It ran differently:", size=theme.SIZE_MONO, quiet=True))
            layout.addWidget(_Grid(content, ("", "", "", ""), [_change_row(it) for it in column.changes]))


class _Grid(QWidget):
    """Words in four columns; a reader hears each row as a whole."""

    def __init__(
        self, parent: QWidget, heads: Sequence[str], rows: Sequence[tuple[str, str, str, str]]
    ) -> None:
        super().__init__(parent)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(theme.SPACE_L)
        grid.setVerticalSpacing(theme.SPACE_XS)
        for column, stretch in enumerate(_STRETCH):
            grid.setColumnStretch(column, stretch)
        if any(heads) and rows:
            for column, head in enumerate(heads):
                grid.addWidget(Wrapped(self, head, size=theme.SIZE_SECONDARY, quiet=True), 0, column)
        for number, row in enumerate(rows, 1):
            for column, words in enumerate(row):
                label = Wrapped(self, words, size=theme.SIZE_MONO, quiet=column == 0)
                label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
                if column == 0:
                    label.setAccessibleName(f"{row[0]}: {row[1]}, then {row[2]}. {row[3]}".strip())
                grid.addWidget(label, number, column)


def _figure_row(figure: FigureChange) -> tuple[str, str, str, str]:
    what = figure.what if figure.case is None else f"{case_words(figure.case)}: {figure.what}"
    return (what, _spread(figure, figure.one), _spread(figure, figure.other), figure.words)


def _spread(figure: FigureChange, spread: Spread) -> str:
    said = figure.unit.words(spread.median)
    between = range_words(figure.unit, spread)
    return f"{said} ({between})" if between else said


def _change_row(change: Change) -> tuple[str, str, str, str]:
    return (change.what, change.one, change.other, "")


def _heading(parent: QWidget, said: str) -> Wrapped:
    font: QFont = theme.body_font(theme.SIZE_HEADING, semibold=True)
    label = Wrapped(parent, said)
    label.setFont(font)
    return label
