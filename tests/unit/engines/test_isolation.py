from pathlib import Path

from app.engines.isolation import NOT_FOR_ENGINES, cache_folder, isolated, python_command

PYTHON = Path("/data/engines/vllm/e64cd90d-1a2b/bin/python")


def test_caches_lie_in_the_environment_and_go_with_it():
    assert cache_folder(PYTHON).parent == PYTHON.parent.parent
    folders = [value for value in isolated(PYTHON).values() if "/" in value]
    assert len(folders) >= 6
    assert all(Path(folder).is_relative_to(PYTHON.parent.parent) for folder in folders)


def test_it_asks_no_network():
    env = isolated(PYTHON)
    assert env["HF_HUB_OFFLINE"] == env["TRANSFORMERS_OFFLINE"] == env["DO_NOT_TRACK"] == "1"


def test_a_persons_own_python_settings_do_not_reach_it():
    assert all(name.startswith(NOT_FOR_ENGINES) for name in ("PYTHONPATH", "PYTHONHOME", "HF_TOKEN"))
    assert not "PATH".startswith(NOT_FOR_ENGINES)


def test_the_working_directory_is_not_searched_for_modules():
    assert python_command(PYTHON) == (str(PYTHON), "-P")
