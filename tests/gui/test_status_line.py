"""The status line: what was measured, in words and units; nothing that was not."""

from __future__ import annotations

import pytest

from app.domain.metrics import GenerationMetrics
from app.ui import theme
from app.ui.chat.status_line import StatusLine, speed_words


@pytest.fixture
def line(qtbot) -> StatusLine:
    widget = StatusLine()
    qtbot.addWidget(widget)
    widget.resize(700, 30)
    widget.show()
    qtbot.waitExposed(widget)
    return widget


def metrics(**values: float | None) -> GenerationMetrics:
    return GenerationMetrics(**{"ttft_s": 0.21, "duration_s": 1.21, **values})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("measured", "words"),
    [
        (None, ""),
        (GenerationMetrics(None, 0.0), ""),
        (GenerationMetrics(0.206, 3.0), "first token 0.21 s"),
        (GenerationMetrics(0.21, 1.21, 10, 19), "18.0 tok/s · first token 0.21 s"),
        # One token alone has no speed of its own; the engine's stopwatch may know one.
        (GenerationMetrics(0.21, 0.21, 10, 1), "first token 0.21 s"),
        (
            GenerationMetrics(0.21, 0.21, 10, 1, server_tokens_per_second=20.04),
            "20.0 tok/s · first token 0.21 s",
        ),
    ],
)
def test_speed_in_words(measured, words) -> None:
    assert speed_words(measured) == words


@pytest.mark.parametrize(
    ("measured", "context", "said"),
    [
        (None, None, ""),
        (None, 8192, "0 of 8,192 tokens"),
        (metrics(prompt_tokens=500, completion_tokens=12), 8192, "512 of 8,192 tokens"),
        (metrics(prompt_tokens=500, completion_tokens=12), None, "512 tokens of context used"),
        (metrics(prompt_tokens=None, completion_tokens=12), None, ""),
    ],
)
def test_the_context_in_words(line, measured, context, said) -> None:
    line.show_metrics(measured, context)
    assert line.text.removeprefix(speed_words(measured)).strip() == said


def bar(line: StatusLine) -> list[str]:
    """The colours along the meter, which ends the line."""
    image = line.grab().toImage()
    right = image.width() - theme.SPACE_XS
    return [image.pixelColor(x, image.height() // 2).name() for x in range(right - 64, right)]


@pytest.mark.parametrize(("used", "filled"), [(0, 0), (2048, 16), (4096, 32), (8192, 64)])
def test_the_meter_shows_the_share(line, used, filled) -> None:
    line.show_metrics(metrics(prompt_tokens=used, completion_tokens=0), 8192)
    hairline = theme.current().hairline.name()
    coloured = [colour for colour in bar(line)[2:-2] if colour != hairline]
    assert abs(len(coloured) - filled) <= 4


def test_a_nearly_full_context_changes_the_colour(line) -> None:
    line.show_metrics(metrics(prompt_tokens=1000, completion_tokens=0), 8192)
    assert bar(line)[4] == theme.current().accent.name()
    line.show_metrics(metrics(prompt_tokens=7800, completion_tokens=0), 8192)
    assert bar(line)[4] == theme.current().busy.name()


def test_more_than_the_context_holds_stays_inside_the_bar(line) -> None:
    line.show_metrics(metrics(prompt_tokens=9000, completion_tokens=0), 8192)
    assert line.text.endswith("9,000 of 8,192 tokens")
    assert set(bar(line)[2:-2]) == {theme.current().busy.name()}


def test_without_a_known_context_there_is_no_meter(line) -> None:
    line.show_metrics(metrics(), None)
    assert set(bar(line)) == {theme.current().window.name()}
