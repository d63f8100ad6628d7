import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import HubError
from app.domain.hub import Access, Format, HubFile, HubModel, HubRepository
from app.models.hub_answers import (
    LARGEST_FILE,
    MOST_FILES,
    MOST_MODELS,
    read_models,
    read_repository,
    write_repository,
)

COMMIT = "0123456789abcdef0123456789abcdef01234567"
SHA = "ab" * 32
# As huggingface.co answers to /api/models/…?blobs=true, shortened.
ANSWER = {
    "_id": "65a",
    "id": "maker/Model-GGUF",
    "private": False,
    "gated": False,
    "sha": COMMIT,
    "tags": ["gguf", "license:apache-2.0", "region:us"],
    "safetensors": {"parameters": {"F32": 10, "BF16": 1000}, "total": 1010},
    "siblings": [
        {"rfilename": ".gitattributes", "size": 1519, "blobId": "a6"},
        {"rfilename": "README.md", "size": 10, "blobId": "a7"},
        {"rfilename": "m-Q4_0.gguf", "size": 77, "lfs": {"sha256": SHA, "size": 77, "pointerSize": 135}},
    ],
}


def read(**changes):
    return read_repository(ANSWER | changes, "maker/Model-GGUF")


def test_an_answer_as_the_hub_gives_it():
    assert read() == HubRepository(
        "maker/Model-GGUF",
        COMMIT,
        Access.OPEN,
        (HubFile("README.md", 10), HubFile("m-Q4_0.gguf", 77, SHA)),
        "apache-2.0",
        "BF16",
    )


@pytest.mark.parametrize(
    ("private", "gated", "access"),
    [(False, False, Access.OPEN), (False, "auto", Access.GATED), (False, "manual", Access.GATED),
     (True, False, Access.PRIVATE), (None, None, Access.OPEN), ("no", {}, Access.GATED)],
)  # fmt: skip
def test_access(private, gated, access):
    assert read(private=private, gated=gated).access is access


@pytest.mark.parametrize("raw", [None, [], "x", 3, {}, {"sha": None}, {"sha": "main"}, {"sha": COMMIT + "\n"},
                                 ANSWER | {"siblings": {"a": 1}}])  # fmt: skip
def test_what_is_no_repository(raw):
    with pytest.raises(HubError, match="cannot be understood"):
        read_repository(raw, "maker/Model-GGUF")


def test_too_many_files():
    with pytest.raises(HubError, match="more than 10,000 files"):
        read(siblings=[{"rfilename": f"{n}"} for n in range(MOST_FILES + 1)])


@pytest.mark.parametrize(
    "name", ["../x.gguf", "/etc/x.gguf", "a\\b.gguf", "nul.gguf", "a\0.gguf", "C:x.gguf", "", None, 7, ["x"]]
)
def test_files_with_hostile_names_are_left_out(name):
    files = read(siblings=[{"rfilename": name, "size": 1}, {"rfilename": "good.gguf"}, None, 3]).files
    assert files == (HubFile("good.gguf"),)


def test_a_file_named_twice_counts_once():
    siblings = [{"rfilename": name, "size": n} for n, name in enumerate(["a.gguf", "a.gguf", "A.GGUF", "b"])]
    assert read(siblings=siblings).files == (HubFile("a.gguf", 0), HubFile("b", 3))


@pytest.mark.parametrize(
    ("size", "lfs", "read_size", "sha256"),
    [
        (-1, None, None, None),
        (LARGEST_FILE + 1, None, None, None),
        (10**400, None, None, None),
        ("77", None, None, None),
        (True, None, None, None),
        (7.5, None, None, None),
        (float("nan"), None, None, None),
        (5, {"sha256": SHA, "size": 77}, None, SHA),
        (5, {"sha256": SHA, "size": -1}, None, SHA),
        (None, {"sha256": SHA, "size": 77}, 77, SHA),
        (77, {"sha256": "../../x", "size": 77}, 77, None),
        (77, {"sha256": SHA.upper(), "size": 77}, 77, None),
        (77, {"sha256": 5, "size": 77}, 77, None),
        (77, "no", 77, None),
    ],
)
def test_sizes_and_hashes_that_cannot_be_true(size, lfs, read_size, sha256):
    assert read(siblings=[{"rfilename": "a", "size": size, "lfs": lfs}]).files == (
        HubFile("a", read_size, sha256),
    )


@pytest.mark.parametrize(
    ("tags", "licence"),
    [(["license:mit"], "mit"), (["license:" + "x" * 500], "x" * 80), (["license:"], None), (["mit", 3], None),
     (["license:\x1b[31m"], None), ("license:mit", None), (None, None)],
)  # fmt: skip
def test_licences(tags, licence):
    assert read(tags=tags).licence == licence


@pytest.mark.parametrize(
    "described", [None, 3, {}, {"parameters": 3}, {"parameters": {"\x1b": 5, "BF16": -1}}]
)
def test_no_precision(described):
    assert read(safetensors=described).precision == ""


def test_another_name_is_taken_only_if_it_is_one():
    assert read(id="maker/Renamed").repository == "maker/Renamed"
    assert read(id="../evil").repository == "maker/Model-GGUF"


@pytest.mark.parametrize(
    "changes", [{}, {"gated": "auto"}, {"private": True}, {"safetensors": None, "tags": []}]
)
def test_what_is_written_is_read_again(changes):
    repository = read(**changes)
    assert read_repository(json.loads(json.dumps(write_repository(repository))), "x") == repository


FOUND = {
    "id": "maker/Model-GGUF",
    "downloads": 12,
    "likes": 3,
    "tags": ["gguf", "license:mit"],
    "gguf": {"total": 135_000_000, "architecture": "llama"},
    "lastModified": "2026-01-31T10:00:00.000Z",
}


def test_a_search_as_the_hub_answers_it():
    assert read_models([FOUND]) == [
        HubModel("maker/Model-GGUF", (Format.GGUF,), Access.OPEN, 12, 3, "mit", 135_000_000, "2026-01-31")
    ]


def test_both_formats_and_nothing_else_known():
    entry = {"id": "a/b", "tags": ["safetensors", "gguf"], "safetensors": {"total": 5}, "gated": "auto"}
    assert read_models([entry]) == [
        HubModel("a/b", (Format.GGUF, Format.SAFETENSORS), Access.GATED, parameters=5)
    ]


@pytest.mark.parametrize(
    "hostile",
    [{"downloads": -1}, {"downloads": "12"}, {"likes": 10**30}, {"likes": True}, {"gguf": {"total": "1"}},
     {"gguf": []}, {"lastModified": "yesterday"}, {"lastModified": 5}, {"tags": {"gguf": 1}}],
)  # fmt: skip
def test_what_a_search_says_wrongly_is_not_known(hostile):
    good = read_models([FOUND])[0]
    (model,) = read_models([FOUND | hostile])
    wrong = {"downloads", "likes", "parameters", "updated", "formats", "licence"}
    changed = {name for name in wrong if getattr(model, name) != getattr(good, name)}
    assert changed
    assert all(getattr(model, name) in (None, ()) for name in changed)


def test_entries_that_are_no_models_and_doubles_are_left_out():
    entries = [FOUND, {"id": "../x"}, None, 3, {}, {"id": 5}, FOUND | {"downloads": 99}]
    assert [model.downloads for model in read_models(entries)] == [12]
    assert len(read_models([{"id": f"a/{n}"} for n in range(MOST_MODELS + 5)])) == MOST_MODELS


def test_what_is_no_search_result():
    with pytest.raises(HubError, match="cannot be understood"):
        read_models({"error": "no"})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
)
KEYS = [
    "id",
    "sha",
    "siblings",
    "gated",
    "private",
    "tags",
    "safetensors",
    "gguf",
    "downloads",
    "lastModified",
]


@given(st.dictionaries(st.sampled_from(KEYS), JSON))
def test_no_answer_brings_about_anything_but_a_hub_error(changes):
    read_models([ANSWER | changes])
    try:
        repository = read_repository(ANSWER | changes, "maker/Model-GGUF")
    except HubError:
        return
    assert read_repository(write_repository(repository), "x") == repository
