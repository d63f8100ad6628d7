"""Which command line leads where; what the commands do is tested with each of them."""

import importlib

import pytest

from app.cli.command_line import _parser
from app.cli.models import run

LEADS_TO = [
    ("search qwen 3 --format gguf --sort updated --limit 7 --json", "hub_models.search_models",
     ("qwen 3",), {"format": "gguf", "sort": "updated", "limit": 7, "as_json": True}),
    ("search", "hub_models.search_models",
     ("",), {"format": None, "sort": "downloads", "limit": 20, "as_json": False}),
    ("show a/b", "hub_models.show_repository", ("a/b",), {"as_json": False}),
    ("token --set", "hub_token.manage_token", (), {"keep": True, "forget": False, "as_json": False}),
    ("ledger --json", "ledger.show_ledger", (), {"as_json": True}),
    ("list --json", "library_models.list_models", (True,), {}),
    ("verify", "library_models.verify_models", ([], False), {}),
    ("verify one two", "library_models.verify_models", (["one", "two"], False), {}),
    ("remove one --yes --json", "library_models.remove_models", (["one"], True, True), {}),
    ("download qwen3-4b --quantization Q6_K", "download_models.download_model",
     ("qwen3-4b", "Q6_K", False), {}),
]  # fmt: skip


@pytest.mark.parametrize(("line", "function", "arguments", "options"), LEADS_TO, ids=[a[0] for a in LEADS_TO])
def test_every_command_leads_to_its_function(monkeypatch, line, function, arguments, options):
    module, _, name = function.partition(".")
    called = []

    def record(*given, **named):
        called.append((given, named))
        return 7

    monkeypatch.setattr(importlib.import_module(f"app.cli.{module}"), name, record)
    assert run(_parser().parse_args(["models", *line.split()])) == 7
    assert called == [(arguments, options)]


@pytest.mark.parametrize(
    "line",
    ["", "nonsense", "search --format zip", "search --limit 0", "search --limit x", "search --limit 201",
     "search --limit ²", "show", "remove", "token --set --forget", "list one"],
)  # fmt: skip
def test_a_wrong_command_line_is_explained(capsys, line):
    with pytest.raises(SystemExit) as ended:
        _parser().parse_args(["models", *line.split()])
    assert ended.value.code == 2
    assert "usage: edgewise" in capsys.readouterr().err


def test_every_command_takes_verbose_and_json():
    for line, *_ in LEADS_TO:
        options = _parser().parse_args(["models", *line.split(), "--verbose", "--json"])
        assert options.verbose
        assert options.json
