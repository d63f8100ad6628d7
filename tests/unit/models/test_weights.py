import pytest

from app.models.footprint import RunOptions, active_bytes, forecast, largest_context, layers_that_fit
from app.models.gguf_header import GgufHeader, Tensor, read_header
from app.models.weights import weigh
from tests.made_models import MADE_MODELS


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    return {name: read_header(make().write(folder / name)) for name, make in MADE_MODELS.items()}


def test_every_tensor_lies_somewhere_once(made, starter_model):
    for header in (*made.values(), read_header(starter_model)):
        weights = weigh(header).weights
        assert weights.total == header.tensor_bytes
        assert 0 < weights.active <= weights.total
        assert min(weights.layers) > 0


def test_a_table_that_is_the_output_too_is_copied(made):
    table = next(t.size for t in made["llama_3_2_1b"].tensors if t.name == "token_embd.weight")
    assert weigh(made["llama_3_2_1b"]).weights.copied == table
    assert weigh(made["qwen3_30b_a3b"]).weights.copied == 0


def test_a_weighed_model_gives_the_forecasts_of_its_header(made):
    options = RunOptions(8192)
    for header in made.values():
        model = weigh(header)
        for gpu_layers in (0, 5, 999):
            assert forecast(model, options, gpu_layers=gpu_layers) == forecast(
                header, options, gpu_layers=gpu_layers
            )
        assert active_bytes(model, options, 500) == active_bytes(header, options, 500)
        room = forecast(header, RunOptions(4096)).total

        def fits(made, room=room):
            return made.total <= room

        assert largest_context(model, options, fits) == largest_context(header, options, fits)


def test_layers_that_fit_are_those_whose_forecast_does(made):
    options = RunOptions(8192)
    for header in made.values():
        everything = forecast(header, options, gpu_layers=999, projector=10**8).gpu.total
        for share in (0.0, 0.2, 0.6, 1.0):
            room = int(everything * share)
            fitting = layers_that_fit(header, options, room, projector=10**8)
            count = len(weigh(header).weights.layers) + 1
            assert 0 <= fitting <= count
            here = forecast(header, options, gpu_layers=fitting, projector=10**8 if fitting else None)
            assert here.gpu.total <= room
            if fitting < count:
                more = forecast(header, options, gpu_layers=fitting + 1, projector=10**8)
                assert more.gpu.total > room


def test_scaled_to_another_quantization(made):
    weights = weigh(made["qwen3_30b_a3b"]).weights
    half = weights.scaled_to(weights.total // 2)
    assert half.total == pytest.approx(weights.total / 2, rel=1e-6)
    assert half.active == pytest.approx(weights.active / 2, rel=1e-6)
    assert weights.scaled_to(weights.total) == weights


def test_tensors_of_no_known_type_or_layer():
    metadata: dict = {"general.architecture": "x", "x.block_count": 1}
    tensors = (
        Tensor("blk.0.a", (1,), 0, 0, 5),
        Tensor("blk.7.a", (1,), 0, 0, 3),
        Tensor("blk.0.b", (1,), 999, 0, None),
    )
    weights = weigh(GgufHeader(3, metadata, tensors, 0)).weights
    assert (weights.layers, weights.output) == ((5,), 3)
    nothing = weigh(GgufHeader(3, {}, (), 0)).weights
    assert nothing.scaled_to(10**9) == nothing
