"""Charts and their words, for tests."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import combinations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QFontMetricsF

from app.ui.charts.bar_chart import BarChart
from app.ui.charts.lettering import Words
from app.ui.charts.line_chart import LineChart
from app.ui.charts.line_layout import Axis
from app.ui.charts.series import Bar, Line, Mark, Marker, Point, Series

SHORT = Mark("S", "Short: two rounds had fewer tokens than asked.")
SOURCE = "framework comparison, Llama 2 7B on an A100"
LONG = "A server of the research group with a name that goes on, on gpu-cluster-17"


def speed(value: float) -> str:
    return f"{value:,.1f} tok/s"


def plain(value: float) -> str:
    return f"{value:g}"


def inked(words: Words) -> QRectF:
    """What the letters cover."""
    rect, wide = QRectF(words.rect), QFontMetricsF(words.font).horizontalAdvance(words.text)
    middle = rect.center()
    rect.setWidth(wide)
    if words.side & Qt.AlignmentFlag.AlignRight:
        rect.moveRight(words.rect.right())
    elif words.side & Qt.AlignmentFlag.AlignHCenter:
        rect.moveCenter(middle)
    return rect


def overlaps(rects: Iterable[tuple[str, QRectF]]) -> list[tuple[str, str]]:
    """Names of those that lie on each other, by more than half a pixel."""
    slim = [(name, rect.adjusted(0.5, 0.5, -0.5, -0.5)) for name, rect in rects]
    return [(a, b) for (a, one), (b, other) in combinations(slim, 2) if one.intersects(other)]


def filled_bars(chart: BarChart) -> None:
    chart.set_data(
        ["1 at once", "32 at once"],
        [
            Series("llama.cpp", (Bar(113, 104, 121, label="Q4_1"), Bar(160, 140, 190)), "llama.cpp"),
            Series(LONG, (Bar(17.25, marks=(SHORT, SHORT)), None), "attached:1"),
            Series("vLLM", (Bar(28), Bar(None)), "vllm"),
            Series("vLLM", (Bar(50, is_reference=True), Bar(800, is_reference=True)), "vllm"),
        ],
        write=speed,
        write_tick=plain,
        caption="tokens a second, all requests together; more is faster",
        source=SOURCE,
    )


def one_bar(chart: BarChart) -> None:
    chart.set_data([""], [Series("llama.cpp", (Bar(0.0),), "llama.cpp")], write=speed)


def fifty_bars(chart: BarChart) -> None:
    series = [Series(f"run {number}", (Bar(number * 3.1),), "sglang") for number in range(50)]
    chart.set_data([""], series, write=speed)


def far_apart(chart: BarChart) -> None:
    series = [Series(f"10^{power}", (Bar(10.0**power),), "vllm") for power in range(-4, 8)]
    chart.set_data(["From 1e-4 to 1e7"], series, write=lambda value: f"{value:,.4g} tok/s")


def throughput(chart: LineChart) -> None:
    def line(name: str, engine: str, *rates: float | None, reference: bool = False) -> Line:
        points = tuple(
            Point(float(batch), rate, rate and rate * 0.9, rate and rate * 1.1)
            for batch, rate in zip((1, 8, 32, 128), rates, strict=True)
        )
        return Line(name, points, engine, is_reference=reference)

    chart.set_data(
        [
            line("llama.cpp", "llama_cpp", 113, 151, 160, 158),
            line("vLLM", "vllm", 28, 187, 420, 610),
            line(LONG, "attached:1", 27, 186, None, 609),
            line("Transformers", "transformers", 17, 19, 20, 608),
            line("vLLM", "vllm", 50, None, 500, 620, reference=True),
        ],
        write_x=plain,
        write_y=speed,
        write_tick=plain,
        x_axis=Axis.LOG,
        markers=[Marker(8, "as many as you are"), Marker(9, "break-even")],
        caption="tokens a second, by requests at once",
        source=SOURCE,
    )


def one_point(chart: LineChart) -> None:
    chart.set_data([Line("llama.cpp", (Point(1, 0.0),), "llama.cpp")], write_x=plain, write_y=speed)


def costs(chart: LineChart) -> None:
    days = [10 * 1.3**step for step in range(40)]
    chart.set_data(
        [
            Line("This machine", tuple(Point(x, 12 + x * 0.0005, 11, 14 + x * 0.0007) for x in days)),
            Line("An API", tuple(Point(x, x * 0.004) for x in days)),
        ],
        write_x=lambda value: f"{value:,.0f}",
        write_y=lambda value: f"€{value:,.2f}",
        x_axis=Axis.LOG,
        y_axis=Axis.LOG,
        markers=[Marker(3429, "break-even, 3,429 a day"), Marker(1e9, "beyond")],
    )


def over_time(chart: LineChart) -> None:
    start = 1_772_000_000.0
    points = tuple(Point(start + 86_400 * 3.3 * day, 18 + day % 3) for day in range(50))
    chart.set_data(
        [Line("llama.cpp Q4_K_M", points, "llama.cpp"), Line("Transformers", points[20:21], "transformers")],
        write_x=plain,
        write_y=speed,
        x_axis=Axis.TIME,
    )


BARS: tuple[Callable[[BarChart], None], ...] = (filled_bars, one_bar, fifty_bars, far_apart)
LINES: tuple[Callable[[LineChart], None], ...] = (throughput, one_point, costs, over_time)
