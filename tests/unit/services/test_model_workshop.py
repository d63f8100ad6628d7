"""Nothing half made is left or listed; what is made lies in the library whole, with its origin."""

from __future__ import annotations

import os
import time

import pytest

from app.domain.conversion import Origin, WorkProgress
from app.domain.errors import Cancelled, ConversionFailed, DiskFull, ModelFileError
from app.domain.generation import Cancellation
from app.services.model_import import STALE_S
from app.services.model_workshop import bench, free_target, shelve
from app.storage.checksums import Checksums
from app.storage.origins import Origins
from app.storage.paths import Paths
from tests.unit.models.gguf_writer import write_model

ORIGIN = Origin("Original", "llama-quantize", 1.0)


@pytest.fixture
def paths(empty_home):
    paths = Paths.find()
    paths.create()
    return paths


def left(paths):
    return [path.name for path in paths.incoming.iterdir()]


def test_a_bench_is_cleared_however_the_work_ends(paths):
    def work():
        with bench(paths, 0, "It") as at:
            (at.folder / "half.gguf").write_bytes(b"x")
            assert left(paths) == [at.folder.name]
            raise RuntimeError("halfway")

    with pytest.raises(RuntimeError, match="halfway"):
        work()
    assert left(paths) == []


def test_a_disk_that_is_too_full_is_told_before(paths):
    with pytest.raises(DiskFull, match=r"It takes 1,000,000\.0 TB"), bench(paths, 10**18, "It"):
        raise AssertionError("no work was to begin")
    assert left(paths) == []


def test_what_a_kill_left_behind_is_cleared_once_it_is_old(paths):
    for name, age in (("made-old", STALE_S + 60), ("made-new", 0.0), ("import-old", STALE_S + 60)):
        folder = paths.incoming / name
        folder.mkdir(parents=True)
        at = time.time() - age
        os.utime(folder, (at, at))
    with bench(paths, 0, "It"):
        pass
    assert sorted(left(paths)) == ["import-old", "made-new"]


def test_what_was_made_is_in_the_library_with_its_origin(paths):
    target = paths.models / "Made 家-Q8_0.gguf"
    told: list[WorkProgress] = []
    with bench(paths, 0, "It") as at:
        made = write_model(at.folder / target.name)
        entry = shelve(made, target, ORIGIN, paths, told.append, Cancellation())
    assert (entry.model.path, entry.details is not None) == (target, True)
    assert Origins(paths.models).get(target) == ORIGIN
    known = Checksums(paths.checksums).get(target.name)
    assert known is not None
    assert known.size == target.stat().st_size
    assert told[-1].done == told[-1].total == known.size


@pytest.mark.parametrize("content", [b"", b"GGUF", b"no model at all"])
def test_what_is_no_model_does_not_come_into_the_library(paths, content):
    target = paths.models / "a.gguf"
    with bench(paths, 0, "It") as at:
        made = at.folder / "a.gguf"
        made.write_bytes(content)
        with pytest.raises(ConversionFailed, match=r"a\.gguf was not made"):
            shelve(made, target, ORIGIN, paths, lambda _: None, Cancellation())
    assert not target.exists()


def test_nothing_is_overwritten(paths):
    target = write_model(paths.models / "a.gguf")
    before = target.read_bytes()
    with bench(paths, 0, "It") as at:
        made = write_model(at.folder / "a.gguf")
        with pytest.raises(ModelFileError, match="in the model folder already"):
            shelve(made, target, ORIGIN, paths, lambda _: None, Cancellation())
    assert target.read_bytes() == before
    with pytest.raises(ModelFileError, match="Remove it first"):
        free_target(target)


def test_a_cancel_at_the_last_moment_keeps_nothing(paths):
    target, cancellation = paths.models / "a.gguf", Cancellation()
    cancellation.cancel()
    with bench(paths, 0, "It") as at:
        made = write_model(at.folder / "a.gguf")
        with pytest.raises(Cancelled):
            shelve(made, target, ORIGIN, paths, lambda _: None, cancellation)
    assert not target.exists()
    assert left(paths) == []
