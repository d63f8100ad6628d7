"""Dataclasses as JSON: what other versions wrote stays readable, what is no value counts as missing."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.storage.dataclass_json import Misfit, from_json, to_json


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, slots=True)
class Leaf:
    colour: Colour
    size: float
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tree:
    name: str
    leaves: tuple[Leaf, ...] = ()
    best: Leaf | None = None
    versions: dict[str, str] = field(default_factory=dict)
    height: int | None = 3
    old: bool = False


texts = st.text(st.characters(codec="utf-8"))
leaves = st.builds(
    Leaf,
    colour=st.sampled_from(Colour),
    size=st.floats(allow_nan=False, allow_infinity=False),
    names=st.lists(texts).map(tuple),
)
trees = st.builds(
    Tree,
    name=texts,
    leaves=st.lists(leaves).map(tuple),
    best=st.none() | leaves,
    versions=st.dictionaries(texts, texts),
    height=st.none() | st.integers(),
    old=st.booleans(),
)


@given(trees)
def test_every_value_comes_back(tree: Tree) -> None:
    assert from_json(Tree, to_json(tree)) == tree


def test_what_is_not_known_is_dropped_and_what_is_missing_takes_its_default() -> None:
    assert from_json(
        Tree, '{"name": "oak", "rings": 40, "best": {"colour": "red", "size": 1, "age": 2}}'
    ) == Tree("oak", best=Leaf(Colour.RED, 1.0))


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"height": "tall"}, Tree("oak", height=None)),
        ({"old": 1}, Tree("oak")),
        ({"versions": {"a": "1", "b": 2}}, Tree("oak", versions={"a": "1"})),
        ({"best": {"colour": "green", "size": 1.0}}, Tree("oak")),
        ({"best": {"colour": "red", "size": None}}, Tree("oak")),
        (
            {"leaves": [{"colour": "green", "size": 1.0}, 5, {"colour": "blue", "size": 2.0}]},
            Tree("oak", (Leaf(Colour.BLUE, 2.0),)),
        ),
        ({"leaves": {}}, Tree("oak")),
    ],
)
def test_what_is_no_such_value_counts_as_missing(given: dict[str, object], kept: Tree) -> None:
    assert from_json(Tree, json.dumps({"name": "oak", **given})) == kept


@pytest.mark.parametrize("text", ["{}", '{"name": 5}', "[]", "null", "", "{", "[" * 100_000])
def test_what_nothing_stands_in_for_is_told(text: str) -> None:
    with pytest.raises(Misfit):
        from_json(Tree, text)


def test_a_float_that_is_no_number_is_not_measured_rather_than_zero() -> None:
    text = to_json(Tree("oak", best=Leaf(Colour.RED, math.nan)))
    assert from_json(Tree, text) == Tree("oak")
