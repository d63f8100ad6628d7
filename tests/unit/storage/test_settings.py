import json
import logging
import os
from dataclasses import asdict, replace

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from app.domain.engine import LoadWishes
from app.domain.errors import DiskFull, StorageError
from app.domain.generation import SamplingParams
from app.storage.settings import Settings, load_settings, save_settings

CHANGED = Settings(
    theme="dark",
    model="SmolLM2-135M-Instruct – größer",
    context_length=4096,
    threads=2,
    system_prompt="Sei knapp. 🦙\n",
    params=SamplingParams(temperature=0.1, max_tokens=5, seed=1),
    window_geometry="AdnQywADAAA=",
    sidebar_open=False,
    offline=True,
    engines={"GGUF": "llama_cpp"},
    idle_minutes=None,
    loading={"vllm": LoadWishes(4096, 2, "float16", 8, 0.5, 2), "transformers": LoadWishes(threads=1)},
    goal_context=32_768,
    goal_speed=8.0,
    look_for_updates=True,
)

shared_folder = hypothesis_settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40
)


@pytest.fixture
def path(tmp_path):
    folder = tmp_path / "Einstellungen 設定"
    folder.mkdir()
    return folder / "settings.json"


def test_without_a_file_the_defaults_hold(path):
    assert load_settings(path) == Settings()
    assert list(path.parent.iterdir()) == []


def test_what_is_saved_is_what_is_loaded(path):
    for settings in (CHANGED, Settings()):
        save_settings(path, settings)
        assert load_settings(path) == settings
        assert [file.name for file in path.parent.iterdir()] == ["settings.json"]


def test_the_file_can_be_read_by_a_person(path):
    save_settings(path, CHANGED)
    assert '"model": "SmolLM2-135M-Instruct – größer"' in path.read_text("utf-8")


def test_a_byte_order_mark_and_unknown_keys_do_no_harm(path):
    path.write_text(json.dumps(asdict(CHANGED) | {"from_the_future": {"a": 1}}), "utf-8-sig")
    assert load_settings(path) == CHANGED


def test_what_a_newer_version_set_comes_back_from_this_one(path):
    newer = {
        "theme": "light",
        "voice": {"speed": [1.5, None], "name": "größer 家"},
        "unknown": 3,
        "params": {"temperature": 0.5, "mirostat": 2},
        "loading": {"vllm": {"threads": 2, "swap_space": "4 GB"}, "future": {"lanes": 3}},
    }
    path.write_text(json.dumps(newer), "utf-8")
    loaded = load_settings(path)
    save_settings(path, replace(loaded, theme="dark", loading={"vllm": LoadWishes(threads=4)}))
    written = json.loads(path.read_text("utf-8"))
    assert (written["theme"], written["voice"], written["unknown"]) == ("dark", newer["voice"], 3)
    assert (written["params"]["temperature"], written["params"]["mirostat"]) == (0.5, 2)
    assert written["loading"]["vllm"]["swap_space"] == "4 GB"
    assert written["loading"]["vllm"]["threads"] == 4
    assert load_settings(path).unknown == {
        **{name: newer[name] for name in ("voice", "unknown")},
        "params": {"mirostat": 2},
        "loading": {"vllm": {"swap_space": "4 GB"}},
    }


def test_what_is_nested_too_deep_to_be_written_is_not_kept(path):
    deep = "[" * 900 + "]" * 900
    path.write_text(f'{{"deep": {deep}, "flat": [[[1]]], "params": {{"x": {deep}}}}}')
    loaded = load_settings(path)
    assert loaded.unknown == {"flat": [[[1]]]}
    save_settings(path, loaded)
    assert load_settings(path).unknown == loaded.unknown


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("theme", "pink"),
        ("theme", None),
        ("theme", ["dark"]),
        ("model", 7),
        ("context_length", 0),
        ("context_length", "4096"),
        ("context_length", 10**12),
        ("context_length", 4096.5),
        ("threads", -1),
        ("threads", True),
        ("threads", 10**400),
        ("system_prompt", None),
        ("params", [1, 2]),
        ("params", None),
        ("window_geometry", "not base64!"),
        ("window_geometry", "größe"),
        ("window_geometry", 5),
        ("sidebar_open", 1),
        ("offline", "yes"),
        ("look_for_updates", "daily"),
        ("goal_context", 0),
        ("goal_speed", 0),
        ("goal_speed", True),
        ("goal_speed", float("nan")),
        ("goal_speed", 1e9),
    ],
)
def test_a_wrong_value_falls_back_alone(path, field, wrong):
    path.write_text(json.dumps(asdict(CHANGED) | {field: wrong}))
    assert load_settings(path) == replace(CHANGED, **{field: getattr(Settings(), field)})
    assert [file.name for file in path.parent.iterdir()] == ["settings.json"]


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("context_length", 0),
        ("threads", True),
        ("dtype", "int3"),
        ("dtype", []),
        ("quantize_bits", 5),
        ("quantize_bits", True),
        ("gpu_memory_share", 1.5),
        ("gpu_memory_share", "half"),
        ("gpu_memory_share", float("nan")),
        ("tensor_parallel", 10**30),
        ("tensor_parallel", {}),
    ],
)
def test_a_wrong_wish_for_an_engine_falls_back_alone(path, name, wrong):
    values = asdict(CHANGED)
    values["loading"]["vllm"][name] = wrong
    path.write_text(json.dumps(values), "utf-8")
    expected = replace(CHANGED.loading["vllm"], **{name: None})
    assert load_settings(path).loading == {**CHANGED.loading, "vllm": expected}


@pytest.mark.parametrize("wrong", [3, [], "all", None])
def test_what_is_no_wishes_is_none(path, wrong):
    path.write_text(json.dumps({"loading": wrong}), "utf-8")
    assert load_settings(path).loading == {}
    path.write_text(json.dumps({"loading": {"vllm": wrong, "sglang": {"threads": 2}}}), "utf-8")
    assert load_settings(path).loading == {"sglang": LoadWishes(threads=2)}


def test_an_engine_is_loaded_as_is_set_for_it_else_as_for_all():
    settings = Settings(context_length=2048, threads=4, loading={"vllm": LoadWishes(threads=2)})
    assert settings.wishes_for("vllm") == LoadWishes(2048, 2)
    assert settings.wishes_for("llama_cpp") == LoadWishes(2048, 4)


@pytest.mark.parametrize("wrong", ["9" * 400, "-1", "NaN", "1e999", '"warm"'])
def test_a_wrong_parameter_falls_back_alone(path, wrong):
    path.write_text(f'{{"params": {{"temperature": {wrong}, "top_k": 3}}}}')
    assert load_settings(path).params == SamplingParams(top_k=3)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b'{"theme": "dark"',
        b"[]",
        b"null",
        b"\x00" * 100,
        b"\xff\xfe\x00\xd8",
        b"[" * 100_000,
        b'{"threads": ' + b"9" * 5000 + b"}x",
    ],
    ids=["empty", "brace", "cut", "list", "null", "zeros", "not UTF-8", "deep", "trailing"],
)
def test_a_file_that_is_no_settings_is_kept_under_another_name(path, content, caplog):
    path.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        assert load_settings(path) == Settings()
    (kept,) = path.parent.iterdir()
    assert kept.name.startswith("settings.json.damaged-")
    assert kept.read_bytes() == content
    assert str(kept) in caplog.text
    save_settings(path, CHANGED)
    assert load_settings(path) == CHANGED
    assert kept.read_bytes() == content


def test_a_folder_in_the_place_of_the_file_is_set_aside(path):
    (path / "inside").mkdir(parents=True)
    assert load_settings(path) == Settings()
    save_settings(path, CHANGED)
    assert load_settings(path) == CHANGED


@shared_folder
@given(content=st.binary(max_size=200))
def test_no_bytes_crash_it(path, content):
    path.write_bytes(content)
    assert isinstance(load_settings(path), Settings)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
names = st.sampled_from([*asdict(Settings()), "of_the_future"])
hostile = st.dictionaries(
    names, json_values | st.dictionaries(st.sampled_from(list(asdict(SamplingParams()))), json_values)
)


@shared_folder
@given(values=hostile)
def test_whatever_is_loaded_can_be_saved_and_loaded_again(path, values):
    path.write_text(json.dumps(values), "utf-8")
    loaded = load_settings(path)
    save_settings(path, loaded)
    assert load_settings(path) == loaded


@pytest.mark.parametrize(
    ("number", "kind"), [(28, DiskFull), (5, StorageError)], ids=["no space", "I/O error"]
)
@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failed_save_keeps_the_old_file(path, monkeypatch, number, kind, step):
    def refuse(*args):
        raise OSError(number, "as the system says it")

    save_settings(path, CHANGED)
    with monkeypatch.context() as patch:
        patch.setattr(os if step == "fsync" else type(path), step, refuse)
        with pytest.raises(kind):
            save_settings(path, Settings())
    assert load_settings(path) == CHANGED
    assert [file.name for file in path.parent.iterdir()] == ["settings.json"]


def test_the_new_file_is_on_the_disk_before_it_takes_the_old_ones_place(path, monkeypatch):
    save_settings(path, CHANGED)
    at_sync = []
    real = os.fsync

    def watch(descriptor):
        at_sync.append((load_settings(path), json.loads(path.with_name("settings.json.new").read_text())))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", watch)
    save_settings(path, Settings())
    ((before, written),) = at_sync
    assert before == CHANGED
    assert "unknown" not in written
    assert Settings(**{**written, "params": SamplingParams(**written["params"])}) == Settings()


def test_a_missing_folder_is_a_sentence(tmp_path):
    with pytest.raises(StorageError, match="cannot use"):
        save_settings(tmp_path / "nowhere" / "settings.json", Settings())
