from dataclasses import replace

import pytest

from app.domain.model_quality import Divergence, Estimate, MeasuredSpeed, VariantQuality
from app.domain.quantization import Quality
from app.storage import quality
from app.storage.database import Database
from app.storage.quality import Qualities

PPL = Estimate(16.25, 0.5)
DIVERGENCE = Divergence(PPL, 15.0, Estimate(0.06, 0.002), Estimate(84.5, 1.5))
SPEED = MeasuredSpeed(Estimate(300.0, 4.0), Estimate(120.0, 2.0))
VARIANT = VariantQuality("家 Q4_K_M", "/m/a.gguf", "Q4_K_M", 105, "aa", PPL, DIVERGENCE, SPEED, 7.5)
ORIGINAL = VariantQuality("F16", "/m/b.gguf", "F16", 270, "bb", Estimate(15.0, 0.4), None, None, 7.0)
KEY = {"original_hash": "bb", "text_hash": "tt", "context": 512, "chunks": 20}


@pytest.fixture
def kept(tmp_path):
    with Database.open(tmp_path / "größer.db") as database:
        yield Qualities(database)


def test_what_was_measured_comes_back_as_it_was(kept):
    kept.keep(VARIANT, **KEY)
    kept.keep(ORIGINAL, **KEY).result()
    assert kept.get("aa", **KEY) == VARIANT
    assert kept.get("bb", **KEY) == ORIGINAL
    assert (VARIANT.quality, ORIGINAL.quality) == (Quality.GOOD, Quality.LOSSLESS)
    assert VARIANT.perplexity_increase_percent == pytest.approx(100 * 1.25 / 15)
    assert ORIGINAL.perplexity_increase_percent is None


@pytest.mark.parametrize(
    "other", [{"text_hash": "uu"}, {"context": 256}, {"chunks": 4}, {"original_hash": "cc"}]
)
def test_another_text_or_original_is_another_measurement(kept, other):
    kept.keep(VARIANT, **KEY).result()
    assert kept.get("aa", **{**KEY, **other}) is None


def test_measured_again_it_takes_the_old_one_s_place(kept):
    kept.keep(VARIANT, **KEY)
    again = replace(VARIANT, at=9.0, saw_the_text=True, speed=None)
    kept.keep(again, **KEY).result()
    assert kept.get("aa", **KEY) == again
    assert kept.newest() == [again]


def test_the_newest_of_each_file_and_no_originals(kept):
    kept.keep(VARIANT, **KEY)
    kept.keep(ORIGINAL, **KEY)
    newer = replace(VARIANT, at=8.0)
    kept.keep(newer, **{**KEY, "text_hash": "uu"})
    other = replace(VARIANT, file_hash="dd", quantization="Q2_K")
    kept.keep(other, **KEY).result()
    assert kept.newest() == [other, newer]


def test_the_oldest_are_forgotten(kept, monkeypatch):
    monkeypatch.setattr(quality, "KEPT", 2)
    for number in range(4):
        last = kept.keep(replace(VARIANT, file_hash=str(number)), **KEY)
    last.result()
    assert [each.file_hash for each in kept.newest()] == ["3", "2"]
