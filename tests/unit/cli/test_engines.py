"""Which command line leads where; what the commands do is tested in test_installed_engines."""

import importlib
from pathlib import Path

import pytest

from app.cli.command_line import _parser
from app.cli.engines import run

LEADS_TO = [
    ("list", "list_engines", (False,)),
    ("list --json", "list_engines", (True,)),
    ("install vllm", "install_engine", ("vllm", None, False)),
    ("install vllm --from wheels --json", "install_engine", ("vllm", Path("wheels"), True)),
    ("verify vllm", "verify_engine", ("vllm", False)),
    ("remove vllm --yes", "remove_engine", ("vllm", False, True)),
]


@pytest.mark.parametrize(("line", "function", "arguments"), LEADS_TO, ids=[a[0] for a in LEADS_TO])
def test_every_command_leads_to_its_function(monkeypatch, line, function, arguments):
    called = []

    def record(*given):
        called.append(given)
        return 7

    monkeypatch.setattr(importlib.import_module("app.cli.installed_engines"), function, record)
    assert run(_parser().parse_args(["engines", *line.split()])) == 7
    assert called == [arguments]


@pytest.mark.parametrize("line", ["engines", "engines install", "engines gone"])
def test_an_incomplete_line_is_refused(line):
    with pytest.raises(SystemExit) as end:
        _parser().parse_args(line.split())
    assert end.value.code == 2
