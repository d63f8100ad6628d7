from app.domain.attached import ServerKind
from app.domain.generation import SamplingParams
from app.engines.llama_cpp import LlamaCpp
from app.engines.server_dialects import DIALECTS


def test_every_kind_has_one():
    assert set(DIALECTS) == set(ServerKind)


def test_all_that_is_sent_is_a_parameter_of_ours():
    ours = set(SamplingParams().to_dict())
    for kind, dialect in DIALECTS.items():
        assert {"temperature", "top_p", "max_tokens", "seed"} <= set(dialect.parameters) <= ours, kind


def test_nothing_is_sent_that_an_older_server_may_refuse():
    assert LlamaCpp.dialect.uncached
    assert not any(dialect.uncached for dialect in DIALECTS.values())


def test_a_repeat_penalty_has_two_names():
    assert DIALECTS[ServerKind.VLLM].parameters["repeat_penalty"] == "repetition_penalty"
    assert DIALECTS[ServerKind.LLAMA_CPP].parameters["repeat_penalty"] == "repeat_penalty"
