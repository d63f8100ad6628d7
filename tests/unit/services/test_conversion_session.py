from dataclasses import replace
from typing import Any

import pytest

from app.domain.conversion import WorkProgress
from app.domain.errors import Offline
from app.domain.hub import Format
from app.domain.model import LocalModel
from app.services.background import Background
from app.services.conversion_session import ConversionSession, share_of, words_of
from app.services.model_library import ModelLibrary
from app.storage.database import Database
from app.storage.paths import Paths
from tests.unit.models.safetensors_writer import write_weights
from tests.unit.models.test_identity import CONFIG

WAIT_MS = 90_000


@pytest.fixture
def paths(edgewise_home):
    found = Paths.find()
    found.create()
    return found


@pytest.fixture
def session(qtbot, paths):
    background = Background()
    with Database.open(paths.database) as database:
        made = ConversionSession(paths, database, ModelLibrary(paths), background, lambda: True)
        yield made
        made.shut_down()
        background.finish()


@pytest.fixture
def entry(paths):
    library = ModelLibrary(paths)
    (found,) = library.entries()
    return library.details(found)


@pytest.mark.parametrize(
    ("progress", "words", "share"),
    [
        (WorkProgress("Converting"), "Converting", None),
        (WorkProgress("Converting", 120, 272, "tensors"), "Converting · 120 of 272 tensors", 120 / 272),
        (WorkProgress("Installing", 3, 2, "bytes"), "Installing · 100 %", 1.0),
    ],
)
def test_how_far_it_is(progress, words, share):
    assert (words_of(progress), share_of(progress)) == (words, share)


def test_what_can_be_quantized_to(session, entry, qtbot):
    told: list[Any] = []
    failed: list[Any] = []
    session.offer_quantizing(entry, told.append, failed.append)
    qtbot.waitUntil(lambda: bool(told or failed), timeout=WAIT_MS)
    (offer,) = told
    names = [each.name for each in offer.types]
    assert {"Q8_0", "Q4_K_M", "Q2_K", "IQ2_XXS"} <= set(names)
    assert "COPY" not in names
    assert names.index("Q8_0") < names.index("Q4_K_M") < names.index("Q2_K")
    assert offer.sizes["Q8_0"] == pytest.approx(145e6, rel=0.05)
    assert "stored in Q4_1 already" in offer.reason


def test_a_quantization_comes_into_the_library_and_can_be_measured(session, entry, paths, qtbot):
    """The real programs: what is made here is Q8_0 of the starter model, beside which that loses little."""
    steps: list[Any] = []
    session.work_changed.connect(lambda *it: steps.append(it))
    with qtbot.waitSignal(session.made, timeout=WAIT_MS) as signal:
        session.quantize(entry.model, "Q8_0", again=True)
        assert session.is_working(entry.model.name)
    qtbot.waitUntil(lambda: not session.is_working(entry.model.name))
    made = signal.args[0]
    assert made.model.path.parent == paths.models
    assert made.details.quantization == "Q8_0"
    assert steps[0] == (entry.model.name, "Quantizing to Q8_0", None)
    told: list[Any] = []
    session.offer_measuring(entry.model, told.append, told.append)
    qtbot.waitUntil(lambda: bool(told), timeout=WAIT_MS)
    assert told[0].originals == (made.model,)
    text = paths.home / "text.txt"
    text.write_text("The keeper climbed the stairs and lit the lamp above the sea. " * 60)
    with qtbot.waitSignal(session.measured, timeout=WAIT_MS) as measured:
        session.measure(entry.model.name, made.model, [entry.model], text)
    report = measured.args[0]
    assert report.variants[0].divergence is not None
    assert report.variants[0].divergence.same_top.value > 80
    assert [each.model.name for each in session.measurements()]


def test_a_refusal_is_told_where_the_model_stands(session, entry, qtbot):
    with qtbot.waitSignal(session.work_ended, timeout=WAIT_MS) as ended:
        session.quantize(entry.model, "Q8_0")
    name, remark, failed = ended.args
    assert (name, failed) == (entry.model.name, True)
    assert "quantized loses quality twice" in remark


def test_a_cancel_leaves_nothing(session, entry, paths, qtbot):
    before = sorted(paths.models.rglob("*.gguf"))
    with qtbot.waitSignal(session.work_ended, timeout=WAIT_MS) as ended, qtbot.assertNotEmitted(session.made):
        session.quantize(entry.model, "Q6_K", again=True)
        session.cancel(entry.model.name)
    assert ended.args == [entry.model.name, "", False]
    assert sorted(paths.models.rglob("*.gguf")) == before


def test_a_conversion_says_what_it_takes_and_fetches_nothing_offline(session, tmp_path, qtbot):
    path = tmp_path / "SmolLM2-135M-Instruct"
    write_weights(path / "model.safetensors", {"w": ("BF16", [10, 10], 200)})
    (path / "config.json").write_text(
        '{"architectures": ["LlamaForCausalLM"], ' + str(CONFIG).replace("'", '"')[1:]
    )
    model = LocalModel("SmolLM2-135M-Instruct", path, 200, format=Format.SAFETENSORS)
    told: list[Any] = []
    session.offer_conversion(model, told.append, told.append)
    qtbot.waitUntil(lambda: bool(told), timeout=WAIT_MS)
    (offer,) = told
    assert offer.source.architecture == "LlamaForCausalLM"
    assert [name for name, _ in offer.types] == ["f16", "bf16", "f32", "q8_0"]
    assert offer.install is not None
    with qtbot.waitSignal(session.failed, timeout=WAIT_MS) as failed:
        session.convert(model.name, offer.source, "bf16")
    assert isinstance(failed.args[0], Offline)


def test_what_is_no_model_is_told(session, tmp_path, qtbot):
    told: list[Any] = []
    nothing = LocalModel("nothing", tmp_path / "nothing", 1, format=Format.SAFETENSORS)
    session.offer_conversion(nothing, lambda _: None, told.append)
    qtbot.waitUntil(lambda: bool(told), timeout=WAIT_MS)
    assert "There is no folder" in told[0].message


def test_work_on_one_model_is_done_once(session, entry, qtbot):
    begun: list[str] = []
    session.work_changed.connect(lambda name, *_: begun.append(name))
    with qtbot.waitSignal(session.work_ended, timeout=WAIT_MS):
        session.quantize(entry.model, "Q5_K_M", again=True)
        session.quantize(replace(entry.model), "Q6_K", again=True)
        session.cancel(entry.model.name)
    assert not session.is_working(entry.model.name)
