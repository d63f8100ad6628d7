import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.storage.well_formed import well_formed


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("Grüße, 世界 🦙\x00\n", "Grüße, 世界 🦙\x00\n"),
        ("\ud83e\udd99", "🦙"),
        ("cut \ud83e", "cut \ufffd"),
        ("\udd99 then 🦙", "\ufffd then 🦙"),
    ],
)
def test_surrogates_are_joined_or_replaced(text, expected):
    assert well_formed(text) == expected


@given(st.text(st.characters(exclude_categories=())))
def test_the_result_can_always_be_encoded(text):
    well_formed(text).encode()


@given(st.text())
def test_proper_text_stays_as_it_is(text):
    assert well_formed(text) == text
