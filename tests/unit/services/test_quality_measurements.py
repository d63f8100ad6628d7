"""Measurements with the real llama-perplexity and the starter model; tests/engines has those of a family."""

from __future__ import annotations

import os

import pytest

from app.domain.conversion import WorkProgress
from app.domain.errors import Cancelled, ModelFileError
from app.domain.generation import Cancellation
from app.services.conversions import Conversions
from app.services.model_library import ModelLibrary
from app.services.quality_measurements import TEXT, QualityMeasurements
from app.storage.database import Database
from app.storage.paths import Paths
from tests.unit.models.gguf_writer import write_model

PROSE = "The ferry leaves at seven, when the mist still lies on the water and nobody talks much. " * 20


def nobody(progress):
    del progress


@pytest.fixture
def paths(edgewise_home):
    paths = Paths.find()
    paths.create()
    return paths


@pytest.fixture
def measurements(paths):
    with Database.open(paths.database) as database:
        yield QualityMeasurements(paths, database)


@pytest.fixture
def original(paths):
    (model,) = ModelLibrary(paths).models()
    return model


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "Prosa 家.txt"
    path.write_text(PROSE, encoding="utf-8")
    return path


@pytest.fixture
def smaller(paths, original):
    return Conversions(paths).quantize(original, "Q2_K", nobody, Cancellation(), again=True).model


def measure(measurements, original, smaller, text, **wishes):
    wishes = {"progress": nobody, "cancellation": Cancellation(), "with_speed": False} | wishes
    return measurements.measure(original, [smaller], text=text, **wishes)


def test_what_was_measured_is_known_until_the_file_changes(measurements, original, smaller, text):
    told: list[WorkProgress] = []
    first = measure(measurements, original, smaller, text, progress=told.append)
    assert any("Asking" in step.words for step in told)
    told.clear()
    assert measure(measurements, original, smaller, text, progress=told.append) == first
    assert not any("Asking" in step.words or "Comparing" in step.words for step in told)
    (known,) = measurements.local()
    assert (known.model.path, known.quality) == (smaller.path, first.variants[0])
    os.utime(smaller.path, ns=(1, 1))
    assert measurements.local() == []


def test_what_was_measured_before_a_cancel_is_kept(measurements, original, smaller, text):
    cancellation = Cancellation()

    def stop(progress):
        if "Timing" in progress.words:
            cancellation.cancel()

    with pytest.raises(Cancelled):
        measure(
            measurements, original, smaller, text, progress=stop, cancellation=cancellation, with_speed=True
        )
    assert [each.quality.speed for each in measurements.local()] == [None]


def test_a_matrix_of_the_very_text_is_told(paths, measurements, original, text):
    text.write_text(PROSE * 4, encoding="utf-8")  # llama-imatrix wants two pieces of 512
    made = Conversions(paths).quantize(
        original, "Q3_K_S", nobody, Cancellation(), importance_text=text, again=True
    )
    assert measure(measurements, original, made.model, text).variants[0].saw_the_text


def test_another_model_cannot_be_compared(paths, measurements, original, text):
    write_model(paths.models / "Other-Q8_0.gguf")
    other = ModelLibrary(paths).find("Other-Q8_0")
    with pytest.raises(ModelFileError, match="is no form of"):
        measure(measurements, original, other, text)


def test_a_text_that_is_too_short(measurements, original, smaller, text):
    text.write_text("A few words.", encoding="utf-8")
    with pytest.raises(ModelFileError, match=r"it has \d tokens, and 256 are needed at least"):
        measure(measurements, original, smaller, text)
    with pytest.raises(ModelFileError, match="cannot be read"):
        measure(measurements, original, smaller, text.with_name("nowhere.txt"))


def test_our_own_text_fills_pieces_of_the_usual_length():
    words = TEXT.read_text(encoding="utf-8").split()
    assert len(words) > 5500
    assert len(set(words)) > 1500
