import pytest

from app.domain.errors import ModelFileError
from app.domain.model import LocalModel
from app.services import loading
from app.services.loading import PROMPT_CACHE_BYTES, LoadWishes, plan_load

GIB = 1 << 30


@pytest.fixture
def machine(monkeypatch):
    """A machine of three cores and as much free memory as is asked for."""

    def free(size):
        monkeypatch.setattr(loading, "available_memory", lambda: size)
        monkeypatch.setattr(loading, "usable_physical_cores", lambda: 3)

    return free


@pytest.fixture
def model(starter_model):
    return LocalModel("small", starter_model, starter_model.stat().st_size)


def test_without_wishes(model, machine):
    machine(64 * GIB)
    options = plan_load(model, LoadWishes(), engine="llama_cpp").options
    assert (options.context_length, options.threads) == (8192, 3)
    assert options.prompt_cache_bytes == PROMPT_CACHE_BYTES


def test_wishes_are_granted(model, machine):
    machine(64 * GIB)
    options = plan_load(model, LoadWishes(context_length=512, threads=7), engine="llama_cpp").options
    assert (options.context_length, options.threads) == (512, 7)


def test_a_small_machine(model, machine):
    free = GIB * 7 // 8
    machine(free)
    options = plan_load(model, LoadWishes(), engine="llama_cpp").options
    assert 2048 < options.context_length < 8192
    assert options.prompt_cache_bytes == free // 8


def test_a_damaged_file_is_told_with_the_model_s_name(tmp_path, machine):
    machine(GIB)
    path = tmp_path / "x.gguf"
    path.write_bytes(b"junk")
    with pytest.raises(
        ModelFileError, match=r"^Zoë did not start: x\.gguf is not a GGUF model file\.$"
    ) as caught:
        plan_load(LocalModel("Zoë", path, 4), LoadWishes(), engine="llama_cpp")
    assert caught.value.detail
