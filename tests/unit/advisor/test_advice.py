from app.advisor.advice import Candidate, Need
from app.models.footprint import projector_bytes
from app.models.gguf_header import GgufHeader, Tensor
from app.models.sketch import sketch
from app.models.weights import weigh
from tests.unit.advisor.cases import QWEN3_4B

HEADER = sketch(QWEN3_4B, 8192, "Q8_0")


def test_a_need_is_what_lies_somewhere():
    need = Need(tensors=10, cache=5, compute=3, projector=0, runtime=2, host=15, gpu=7)
    assert need.total == 22
    assert need.correction == 2


def test_an_exact_header_is_taken_as_it_is():
    assert Candidate("Q8_0", 5, HEADER, exact=True).model == weigh(HEADER)
    assert Candidate("Q8_0", None, HEADER, exact=False).model == weigh(HEADER)


def test_another_ones_header_is_scaled_to_the_file():
    half = Candidate("Q4_0", HEADER.data_offset + HEADER.tensor_bytes // 2, HEADER, exact=False)
    assert abs(half.model.weights.total - HEADER.tensor_bytes // 2) < 100
    assert half.model.shape == weigh(HEADER).shape
    assert Candidate("Q4_0", 3, HEADER, exact=False).model.weights.total == 0, "smaller than its own header"


def test_what_was_weighed_before_is_taken_as_it_is():
    assert Candidate("Q8_0", 5, weigh(HEADER), exact=False).model == weigh(HEADER)


def test_bits_of_a_quantization_nobody_described():
    assert Candidate("Q8_0", None, HEADER, exact=True).bits == 8.5008
    assert 8.4 < Candidate("UD-Q8_K_XL", None, HEADER, exact=True).bits < 8.6
    assert Candidate("", None, GgufHeader(3, {}, (), 0), exact=True).bits == 0.0


def test_a_projector_is_weighed_too():
    projector = GgufHeader(3, {"general.architecture": "clip"}, (Tensor("v", (1,), 0, 0, 10**8),), 0)
    assert Candidate("Q8_0", None, HEADER, exact=True, projector=projector).projector_size == projector_bytes(
        projector
    )
    assert Candidate("Q8_0", None, HEADER, exact=True).projector_size == 0
