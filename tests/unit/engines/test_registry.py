from app.engines.environment import Environments
from app.engines.pins import pins, profiles
from app.engines.registry import adapters


def no_machine():
    raise AssertionError("making adapters asks for no machine")


def test_every_adapter_has_its_profile_and_its_pins(tmp_path):
    every = adapters(Environments(tmp_path, no_machine))
    assert [adapter.id for adapter in every] == [id_ for id_ in profiles() if id_ in {it.id for it in every}]
    for adapter in every:
        assert adapter.name == profiles()[adapter.id].name
        assert adapter.formats
        assert adapter.environment is None or adapter.environment in pins()
    assert not any(tmp_path.iterdir())
