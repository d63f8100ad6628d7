from dataclasses import replace

from app.advisor.advice import Candidate
from app.advisor.quality import rank
from app.domain.quantization import QUANTIZATIONS
from app.models.sketch import sketch
from tests.made_models import MADE_MODELS
from tests.unit.advisor.cases import QWEN3_4B
from tests.unit.models.published import dimensions_of


def candidate(quantization, *, like="", dimensions=QWEN3_4B):
    header = sketch(dimensions, 8192, like or quantization)
    return Candidate(quantization, header.file_size, header, exact=False)


def test_published_figures_are_the_order():
    assert rank(candidate("Q4_K_M")) == QUANTIZATIONS["Q4_K_M"].divergence
    assert rank(candidate("q4_k")) == QUANTIZATIONS["Q4_K_M"].divergence


def test_strangers_come_by_their_bits():
    assert rank(candidate("Q8_0")) > rank(candidate("BF16")) > 0.0
    dynamic = rank(candidate("UD-Q4_K_XL", like="Q4_K_M"))
    assert rank(candidate("Q5_K_M")) < dynamic < rank(candidate("Q3_K_M"))
    tiny = candidate("UD-IQ1_S", like="IQ1_S")
    assert rank(tiny) >= rank(candidate("IQ2_XXS"))


def test_what_a_model_was_trained_in_is_the_original():
    gpt_oss = dimensions_of(MADE_MODELS["gpt_oss_20b"]())
    assert rank(candidate("MXFP4", dimensions=gpt_oss)) == 0.0
    assert rank(candidate("MXFP4", dimensions=replace(gpt_oss, architecture="qwen3moe"))) > 0.03


def test_a_header_without_tensors():
    empty = replace(sketch(QWEN3_4B, 8192, "Q8_0"), tensors=())
    assert rank(Candidate("", None, empty, exact=True)) > 1.0
