import json

import pytest

from app.domain.hub import Format
from app.domain.model import LocalModel
from app.models.chat_template import MAX_TEMPLATE_BYTES, template_of


@pytest.fixture
def folder(tmp_path):
    return LocalModel("model", tmp_path, 1, format=Format.SAFETENSORS)


def test_of_a_gguf_file(starter_model):
    found = template_of(LocalModel("starter", starter_model, 1))
    assert found is not None
    assert found.startswith("{% for message in messages %}")


def test_of_a_folder_the_newest_place_wins(folder):
    assert template_of(folder) is None
    (folder.path / "tokenizer_config.json").write_text(json.dumps({"chat_template": " oldest "}))
    assert template_of(folder) == "oldest"
    (folder.path / "chat_template.json").write_text(json.dumps({"chat_template": "older"}))
    assert template_of(folder) == "older"
    (folder.path / "chat_template.jinja").write_text("new\n")
    assert template_of(folder) == "new"


def test_of_several_that_for_a_plain_chat(folder):
    several = [{"name": "tool_use", "template": "tools"}, {"name": "default", "template": "plain"}]
    (folder.path / "tokenizer_config.json").write_text(json.dumps({"chat_template": several}))
    assert template_of(folder) == "plain"


@pytest.mark.parametrize("value", [None, 5, [], [5], [{"name": "default"}], {"a": 1}, ""])
def test_what_is_none(folder, value):
    (folder.path / "tokenizer_config.json").write_text(json.dumps({"chat_template": value}))
    assert template_of(folder) is None


@pytest.mark.parametrize("raw", [b"\xff\xfe", b"a" * (MAX_TEMPLATE_BYTES + 1)])
def test_what_cannot_be_read_is_none(folder, raw):
    (folder.path / "chat_template.jinja").write_bytes(raw)
    assert template_of(folder) is None
