"""Variants as plain values, and what tells two of them apart."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from app.domain.hub import Format, HubFile, Variant
from app.domain.variant_record import key_of, record_of, variant_of

ONE = HubFile("Zoë/家-00001-of-00002.gguf", 5, "a" * 64)
TWO = HubFile("Zoë/家-00002-of-00002.gguf", 6, "b" * 64)
VARIANT = Variant(
    "owner/name", "c" * 40, Format.GGUF, "Q4_K_M", (ONE, TWO), HubFile("mmproj.gguf", 7, "d" * 64)
)


@pytest.mark.parametrize(
    "variant", [VARIANT, Variant("a/b", "main", Format.SAFETENSORS, "", (HubFile("config.json"),))]
)
def test_what_is_written_is_read_again(variant):
    assert variant_of(json.loads(json.dumps(record_of(variant)))) == variant


@pytest.mark.parametrize(
    "change",
    [
        {"repository": 1}, {"revision": None}, {"format": "pickle"}, {"format": ["GGUF"]}, {"label": None},
        {"files": []}, {"files": {}}, {"files": [1]}, {"files": [{"path": 1}]}, {"projector": {}},
        {"files": [{"path": "a", "size": -1}]}, {"files": [{"path": "a", "size": True}]},
        {"files": [{"path": "a", "sha256": 5}]}, {"files": [{"path": "a"}] * 2001},
    ],
)  # fmt: skip
def test_what_is_no_variant_gives_none(change):
    assert variant_of({**record_of(VARIANT), **change}) is None


@pytest.mark.parametrize("record", [None, [], "x", 1, {}])
def test_what_is_no_record_gives_none(record):
    assert variant_of(record) is None


def test_the_key_is_that_of_the_content():
    key = key_of(VARIANT)
    assert len(key) == 16
    assert key_of(replace(VARIANT, revision="e" * 40)) == key
    for other in (
        replace(VARIANT, repository="owner/other"),
        replace(VARIANT, projector=None),
        replace(VARIANT, files=(ONE, replace(TWO, sha256="f" * 64))),
        replace(VARIANT, label="Q4_0"),
    ):
        assert key_of(other) != key


def test_without_checksums_the_revision_counts():
    unknown = replace(VARIANT, files=(ONE, replace(TWO, sha256=None)))
    assert key_of(unknown) != key_of(replace(unknown, revision="e" * 40))
