import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.models.gguf_header import read_header
from app.models.header_record import header_from_record, header_to_record
from tests.unit.models.gguf_writer import ARRAY, BOOL, F32, I64, STRING, U64, Array, GgufWriter, llama


def through_json(header):
    return header_from_record(json.loads(json.dumps(header_to_record(header))))


def test_the_starter_models_header_is_small_and_the_same(starter_model):
    header = read_header(starter_model)
    assert through_json(header) == header
    assert len(json.dumps(header_to_record(header))) < 100_000


def test_every_kind_of_value(tmp_path):
    writer = llama(GgufWriter())
    writer.add("flag", BOOL, True).add("large", U64, 2**64 - 1).add("negative", I64, -(2**63))
    writer.add("text", STRING, "Zoë\0").add("numbers", ARRAY, Array(F32, (0.5, float("inf"))))
    (tmp_path / "m.gguf").write_bytes(writer.header())
    header = read_header(tmp_path / "m.gguf")
    again = through_json(header)
    assert again == header
    assert again.metadata["flag"] is True
    assert type(again.metadata["numbers"]) is tuple


GOOD = {
    "version": 3,
    "data_offset": 64,
    "metadata": {"general.architecture": "llama", "tokens": {"skipped": 5}, "each": [1, 2]},
    "tensors": [["a.weight", [32, 2], 8, 0]],
}


def test_a_good_record():
    header = header_from_record(GOOD)
    assert header is not None
    assert header.architecture == "llama"
    assert header.tensors[0].size == 68  # two blocks of 34 bytes
    assert header_to_record(header) == GOOD


@pytest.mark.parametrize(
    "damage",
    [
        {"version": 9}, {"version": "3"}, {"version": True}, {"data_offset": -1}, {"data_offset": 1.5},
        {"metadata": None}, {"metadata": []}, {"metadata": {"x": None}}, {"metadata": {"x": {"skipped": -1}}},
        {"metadata": {"x": {}}}, {"metadata": {"x": [[1]]}}, {"metadata": {"x": [None]}},
        {"metadata": {"x": [0] * 9000}}, {"tensors": None}, {"tensors": [None]}, {"tensors": [["a", [1], 0]]},
        {"tensors": [[1, [1], 0, 0]]}, {"tensors": [["a", [], 0, 0]]},
        {"tensors": [["a", [2**40] * 2, 0, 0]]},
        {"tensors": [["a", [-1], 0, 0]]}, {"tensors": [["a", [1] * 9, 0, 0]]},
        {"tensors": [["a", [1], 0, -5]]},
        {"tensors": [["a", "12", 0, 0]]},
    ],
)  # fmt: skip
def test_a_damaged_record_is_none(damage):
    assert header_from_record(GOOD | damage) is None


@pytest.mark.parametrize("record", [None, [], "x", 3, {}, {"version": 3}])
def test_what_is_no_record(record):
    assert header_from_record(record) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
)


@given(st.dictionaries(st.sampled_from(sorted(GOOD)), JSON))
def test_no_record_brings_about_an_error(damage):
    header_from_record(GOOD | damage)
