"""When Edgewise last looked for a newer version."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.storage.update_record import Looks, UpdateRecord


def test_what_is_written_is_read(tmp_path: Path) -> None:
    record = UpdateRecord(tmp_path / "größer.json")
    assert record.read() == Looks()
    record.looked(1_800_000_000.5)
    record.put_off("0.2.0")
    assert UpdateRecord(tmp_path / "größer.json").read() == Looks(1_800_000_000.5, "0.2.0")
    record.looked(1_800_000_001.0)
    assert record.read() == Looks(1_800_000_001.0, "0.2.0")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "[" * 100_000,
        '{"looked_at": -1}',
        '{"looked_at": 1e999}',
        '{"looked_at": NaN}',
        '{"looked_at": true, "put_off": 3}',
        '{"looked_at": "today", "put_off": "' + "9" * 41 + '"}',
    ],
)
def test_what_cannot_be_read_was_never(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.json").write_text(content)
    assert UpdateRecord(tmp_path / "a.json").read() == Looks()
