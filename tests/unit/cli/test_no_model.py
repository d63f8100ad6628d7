"""What the commands say while there is no model."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.cli.command_line import FAILED, OK, run
from app.cli.no_model import FIRST, no_model_yet
from app.domain.catalog import Purpose
from app.models.catalog import find
from app.storage.paths import Paths


def test_the_model_that_is_named_is_in_the_catalog_and_chats() -> None:
    model = find(FIRST)
    assert model is not None
    assert model.id == FIRST
    assert Purpose.CHAT in model.purposes


@pytest.mark.parametrize("command", [["chat", "Hello"], ["models", "list"]])
def test_commands_name_a_download_and_the_folder(
    empty_home: Path, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    status = run(command)
    said = capsys.readouterr()
    assert status == (FAILED if command[0] == "chat" else OK)
    assert no_model_yet(Paths.find().models) in said.out + said.err
    assert f"edgewise models download {FIRST}" in said.out + said.err
