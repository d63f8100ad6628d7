"""The library's session with the real library, the real starter model and real threads."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.domain.model import Soundness
from app.services.background import Background
from app.services.library_session import LibrarySession
from app.services.model_library import ModelLibrary
from app.storage.paths import Paths
from tests.unit.models.gguf_writer import write_model


class Told:
    """What the signals said."""

    def __init__(self, session: LibrarySession) -> None:
        self.lists: list[list[str]] = []
        self.ended: list[tuple[str, str, bool]] = []
        self.errors: list[str] = []
        session.listed.connect(lambda entries: self.lists.append([e.model.name for e in entries]))
        session.work_ended.connect(lambda *end: self.ended.append(end))
        session.failed.connect(lambda error: self.errors.append(error.message))


@pytest.fixture
def session(qapp, edgewise_home) -> Iterator[LibrarySession]:
    background = Background()
    made = LibrarySession(ModelLibrary(Paths.find()), background)
    background.setParent(made)
    yield made
    background.finish()


@pytest.fixture
def told(session) -> Told:
    return Told(session)


def test_models_are_listed_at_once_and_again_with_their_details(session, told, qtbot) -> None:
    session.look()
    qtbot.waitUntil(lambda: len(told.lists) == 2)
    assert told.lists == [["SmolLM2-135M-Instruct.Q4_1"]] * 2
    assert session.entries[0].details is not None
    session.look()  # now the details are known
    qtbot.waitUntil(lambda: len(told.lists) == 3)


def test_looking_twice_at_once_looks_once_more(session, told, qtbot) -> None:
    looking: list[bool] = []
    session.looking.connect(looking.append)
    for _ in range(3):
        session.look()
    qtbot.waitUntil(lambda: session.entries != [] and session.entries[0].details is not None)
    assert looking == [True, False, True, False]


def test_a_model_is_checked_with_progress(session, told, qtbot) -> None:
    session.look()
    qtbot.waitUntil(lambda: bool(session.entries))
    begun: list[str] = []
    session.work_changed.connect(lambda name, *_: begun.append(name))
    with qtbot.waitSignal(session.verified, timeout=30_000) as seen:
        session.verify(session.entries[0])
    verification = seen.args[0]
    assert session.entries[0].model.name in begun
    assert verification.soundness is Soundness.COMPLETE  # nobody told what its bytes must be
    assert told.ended == [(session.entries[0].model.name, verification.message, False)]


def test_a_model_is_imported_and_removed_again(session, told, qtbot, starter_model) -> None:
    with qtbot.waitSignal(session.imported, timeout=30_000) as imported:
        session.import_models([starter_model.resolve()], copy=False)
    entry = imported.args[0]
    qtbot.waitUntil(lambda: any(len(names) == 2 for names in told.lists))
    with qtbot.waitSignal(session.freed_known) as freed:
        session.consider_removing(entry)
    assert freed.args == [entry.model.name, 0]
    with qtbot.waitSignal(session.removed) as removed:
        session.remove(entry)
    assert removed.args == [entry, 0]
    qtbot.waitUntil(lambda: told.lists[-1] == ["SmolLM2-135M-Instruct.Q4_1"])
    assert starter_model.is_file()


def test_what_cannot_be_imported_is_said_and_the_work_is_over(session, told, qtbot, tmp_path) -> None:
    bad = tmp_path / "bad.gguf"
    bad.write_bytes(b"no model at all")
    session.import_models([bad], copy=True)
    qtbot.waitUntil(lambda: bool(told.ended))
    name, remark, failed = told.ended[0]
    assert (name, failed) == ("bad.gguf", True)
    assert remark == told.errors[0] != ""


def test_a_cancelled_import_leaves_nothing_and_is_no_failure(session, told, qtbot, tmp_path, starter_model):
    large = tmp_path / "Large-Q4_1.gguf"
    large.write_bytes(starter_model.read_bytes())
    session.import_models([large], copy=True)
    session.cancel(large.name)  # before a worker took it up, or while it copies
    qtbot.waitUntil(lambda: bool(told.ended), timeout=30_000)
    assert told.ended == [(large.name, "", False)]
    assert told.errors == []
    assert [path.name for path in Paths.find().models.rglob("*Large*")] == []


def test_work_ends_under_the_name_it_began_with(session, told, qtbot, tmp_path) -> None:
    begun: list[str] = []
    session.work_changed.connect(lambda name, *_: begun.append(name))
    for part in (1, 2):
        write_model(tmp_path / f"x-0000{part}-of-00002.gguf")
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        write_model(tmp_path / folder / "model.gguf")
    brought = [
        tmp_path / "x-00002-of-00002.gguf",
        *(tmp_path / name / "model.gguf" for name in ("one", "two")),
    ]
    session.import_models(brought, copy=False)
    qtbot.waitUntil(lambda: len(told.ended) == len(brought), timeout=30_000)
    assert told.errors == []
    assert {name for name, *_ in told.ended} == set(begun)
    assert len(set(begun)) == len(brought)
