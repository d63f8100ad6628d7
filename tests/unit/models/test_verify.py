import hashlib
import os

import pytest

from app.domain.errors import Cancelled
from app.domain.generation import Cancellation
from app.domain.hub import Format
from app.domain.model import LocalModel, Soundness
from app.models import verify as module
from app.models.verify import sha256_of, verify
from tests.unit.models.gguf_writer import write_model
from tests.unit.models.safetensors_writer import write_weights


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def verified(path, *files, progress=lambda *_: None, cancellation=None, format_=Format.GGUF):
    model = LocalModel("Tiny", path, 1, format=format_)
    return verify(model, files, progress, cancellation or Cancellation())


def test_whole_complete_and_damaged(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "CHUNK", 1000)
    path = write_model(tmp_path / "Modell 家.gguf")
    right = sha256(path)
    seen = []
    whole = verified(path, (path, right), progress=lambda *it: seen.append(it))
    assert (whole.soundness, whole.message) == (Soundness.WHOLE, "Tiny is whole: its SHA-256 is right.")
    size = path.stat().st_size
    assert seen[-1] == (size, size)
    assert len(seen) == -(-size // 1000)
    assert verified(path, (path, None)).soundness is Soundness.COMPLETE
    with path.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"!")
    damaged = verified(path, (path, right))
    assert damaged.soundness is Soundness.DAMAGED
    assert "is not what it was" in damaged.message
    assert right in damaged.detail


def test_all_parts_count_and_the_projector_beside_them(tmp_path):
    parts = [write_model(tmp_path / f"big-0000{n}-of-00002.gguf") for n in (1, 2)]
    projector = write_model(tmp_path / "mmproj.gguf")
    hashes = [(path, sha256(path)) for path in (*parts, projector)]
    assert verified(parts[0], *hashes).soundness is Soundness.WHOLE
    assert verified(parts[0], *hashes[:2], (projector, None)).soundness is Soundness.WHOLE
    assert verified(parts[0], hashes[0], (parts[1], None), hashes[2]).soundness is Soundness.COMPLETE
    assert verified(parts[0], *hashes[:2], (projector, "0" * 64)).soundness is Soundness.DAMAGED
    parts[1].unlink()
    gone = verified(parts[0], *hashes)
    assert gone.message == "Tiny: 1 of its 2 files are missing. Download it again."


def test_a_later_part_that_ends_early(tmp_path):
    parts = [write_model(tmp_path / f"big-0000{n}-of-00002.gguf") for n in (1, 2)]
    os.truncate(parts[1], parts[1].stat().st_size - 1)
    assert "ends early" in verified(parts[0]).message


def test_what_is_no_model_or_is_gone(tmp_path):
    path = tmp_path / "x.gguf"
    assert verified(path).message == "Tiny: the file x.gguf is not there. It may have been moved or deleted."
    path.write_bytes(b"hello, I am no model")
    assert "not a GGUF" in verified(path).message
    write_model(path)
    assert verified(path, (tmp_path / "gone", "0" * 64)).soundness is Soundness.DAMAGED


def test_a_folder_of_safetensors(tmp_path):
    weights = write_weights(tmp_path / "model.safetensors", {"a": ("F32", [10], 40)})
    config = tmp_path / "config.json"
    config.write_text("{}")
    files = [(weights, sha256(weights)), (config, None)]
    assert verified(tmp_path, *files, format_=Format.SAFETENSORS).soundness is Soundness.WHOLE
    assert verified(tmp_path, (weights, None), format_=Format.SAFETENSORS).soundness is Soundness.COMPLETE
    os.truncate(weights, weights.stat().st_size - 1)
    assert "ends early" in verified(tmp_path, *files, format_=Format.SAFETENSORS).message


def test_it_can_be_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "CHUNK", 1000)
    path = write_model(tmp_path / "x.gguf")
    cancellation = Cancellation()
    seen = []

    def progress(done):
        seen.append(done)
        cancellation.cancel()

    with pytest.raises(Cancelled):
        sha256_of(path, progress, cancellation)
    assert seen == [1000]
