"""Languages by their names."""

from __future__ import annotations

import pytest

from app.models.catalog import catalog
from app.models.language_names import _NAMES, is_language


@pytest.mark.parametrize(
    ("word", "code"),
    [("de", "de"), ("german", "de"), ("deutsch", "de"), ("germ", "de"), ("日本語", "ja"), ("中文", "zh"),
     ("việt", "vi"), ("türkçe", "tr")],
)  # fmt: skip
def test_by_code_and_by_both_names(word, code) -> None:
    assert is_language(word, code)


@pytest.mark.parametrize(("word", "code"), [("ge", "de"), ("man", "de"), ("german", "fr"), ("xx", "xx1")])
def test_others_are_not_meant(word, code) -> None:
    assert not is_language(word, code)


def test_each_language_of_the_catalog_has_its_names() -> None:
    assert {code for model in catalog() for code in model.languages} <= set(_NAMES)
