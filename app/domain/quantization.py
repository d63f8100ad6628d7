"""The quantizations a GGUF model comes in, and what each is known to cost in quality.

The figures are llama.cpp's own, of one model: Llama 3 8B on Wikitext-2, revision f364eb6f, from the table
"LLaMA 3 8b Scoreboard" in its tools/perplexity/README.md. Perplexity (PPL) says how surprised the model is by
the text; the Kullback-Leibler divergence (KLD, in nats a token) how far its predictions are from those of the
16-bit original. Smaller models lose more, larger ones less: they order quantizations, they do not promise.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

SOURCE = "llama.cpp, tools/perplexity/README.md: Llama 3 8B, Wikitext-2, revision f364eb6f"
ORIGINAL_PERPLEXITY = 6.231636
"""Of the 16-bit original: the table's PPL of f16 less its ΔPPL."""


class Quality(StrEnum):
    """A KLD in words; the bounds are ours (`quality_of`)."""

    LOSSLESS = "as good as the original"
    VERY_CLOSE = "very close to the original"
    GOOD = "good"
    NOTICEABLE = "noticeably weaker"
    POOR = "poor"


@dataclass(frozen=True, slots=True)
class Quantization:
    """One way of storing weights. None means that nobody published a figure we know of."""

    name: str
    """As llama.cpp writes it: "Q4_K_M"."""
    bits: float
    """Bits a weight, of the whole file: mixtures keep some tensors in more than the name says."""
    perplexity_increase: float | None
    """ΔPPL against the original."""
    divergence: float | None
    """KLD against the original, in nats a token."""
    importance_matrix: bool = False
    """Whether the figures are of files made with an importance matrix."""

    @property
    def perplexity_increase_percent(self) -> float | None:
        """ΔPPL in percent of the original's perplexity."""
        if self.perplexity_increase is None:
            return None
        return 100.0 * self.perplexity_increase / ORIGINAL_PERPLEXITY

    @property
    def quality(self) -> Quality | None:
        """The divergence in words."""
        return None if self.divergence is None else quality_of(self.divergence)


def quality_of(divergence: float) -> Quality:
    """A KLD (nats a token) in words.

    The bounds lie in the gaps of the table: Q6_K 0.005 | Q5_K_M 0.011 .. Q4_K_S 0.043 | Q4_1 0.072 .. Q3_K_M
    0.102 | IQ3_XXS 0.18 .. Q3_K_S 0.23 | Q2_K 0.45.
    """
    if divergence < 0.008:
        return Quality.LOSSLESS
    if divergence < 0.05:
        return Quality.VERY_CLOSE
    if divergence < 0.14:
        return Quality.GOOD
    if divergence < 0.3:
        return Quality.NOTICEABLE
    return Quality.POOR


# Bits: those of Llama 3.1 8B in llama.cpp's tools/quantize/README.md; for Q4_0 to Q5_1, not listed there,
# the scoreboard's size over Q8_0's, times Q8_0's 8.5008 bits. Where the scoreboard has a row without an
# importance matrix it is that one, so that no figure promises more than the plainest file holds.
_TABLE = (
    Quantization("F32", 32.0, 0.0, 0.0),
    Quantization("BF16", 16.0005, None, None),
    Quantization("F16", 16.0005, 0.001524, 0.000551),
    Quantization("Q8_0", 8.5008, 0.002650, 0.001355),
    Quantization("Q6_K", 6.5633, 0.021748, 0.005452),
    Quantization("Q5_K_M", 5.7036, 0.056974, 0.010762),
    Quantization("Q5_K_S", 5.5704, 0.104964, 0.016595),
    Quantization("Q5_1", 6.034, 0.106223, 0.018045),
    Quantization("Q5_0", 5.564, 0.131591, 0.022239),
    Quantization("Q4_K_M", 4.8944, 0.175482, 0.031273),
    Quantization("IQ4_NL", 4.6818, 0.223959, 0.035742, importance_matrix=True),
    Quantization("IQ4_XS", 4.4597, 0.228071, 0.036334, importance_matrix=True),
    Quantization("Q4_K_S", 4.6672, 0.268895, 0.043136),
    Quantization("Q4_1", 5.105, 0.451103, 0.071683),
    Quantization("Q4_0", 4.635, 0.468514, 0.071940),
    Quantization("Q3_K_L", 4.2979, 0.556242, 0.087176),
    Quantization("Q3_K_M", 3.9960, 0.656864, 0.101913),
    Quantization("IQ3_M", 3.7628, 0.666694, 0.102534, importance_matrix=True),
    Quantization("IQ3_S", 3.6606, 0.733867, 0.111278, importance_matrix=True),
    Quantization("IQ3_XS", 3.4977, 0.931409, 0.138693, importance_matrix=True),
    Quantization("IQ3_XXS", 3.2548, 1.226803, 0.183625, importance_matrix=True),
    Quantization("Q3_K_S", 3.6429, 1.632152, 0.228217),
    Quantization("IQ2_M", 2.9294, 2.369166, 0.325989, importance_matrix=True),
    Quantization("Q2_K_S", 2.9697, 3.092145, 0.403360, importance_matrix=True),
    Quantization("IQ2_S", 2.7403, 3.419148, 0.439197, importance_matrix=True),
    Quantization("Q2_K", 3.1593, 3.519934, 0.445132),
    Quantization("IQ2_XS", 2.5882, 4.529791, 0.546290, importance_matrix=True),
    Quantization("IQ2_XXS", 2.3824, 7.860148, 0.812022, importance_matrix=True),
    Quantization("IQ1_M", 2.1460, 19.262089, 1.393084, importance_matrix=True),
    Quantization("IQ1_S", 2.0042, 54.462959, 2.254554, importance_matrix=True),
    # Made for models that were trained in them: a loss against an original has no meaning.
    Quantization("MXFP4", 4.25, None, None),
    Quantization("TQ2_0", 2.0625, None, None),
    Quantization("TQ1_0", 1.6875, None, None),
)
QUANTIZATIONS = {quantization.name: quantization for quantization in _TABLE}
"""By name."""

_ALIASES = {"Q3_K": "Q3_K_M", "Q4_K": "Q4_K_M", "Q5_K": "Q5_K_M", "MXFP4_MOE": "MXFP4"}

_IN_NAME = re.compile(
    r"[-._]((?:UD-)?I?Q\d+(?:_[A-Z0-9]+)*|B?F16|F32|MXFP4(?:_MOE)?|TQ[12]_0)(?:-\d{5}-of-\d{5})?$",
    re.IGNORECASE,
)

FILE_TYPES = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K", 11: "Q3_K_S",
    12: "Q3_K_M", 13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S", 17: "Q5_K_M", 18: "Q6_K",
    19: "IQ2_XXS", 20: "IQ2_XS", 21: "Q2_K_S", 22: "IQ3_XS", 23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL",
    26: "IQ3_S", 27: "IQ3_M", 28: "IQ2_S", 29: "IQ2_M", 30: "IQ4_XS", 31: "IQ1_M", 32: "BF16",
    36: "TQ1_0", 37: "TQ2_0", 38: "MXFP4",
}  # fmt: skip
"""A header's `general.file_type` (llama.h, enum llama_ftype) to a name."""


def split_name(stem: str) -> tuple[str, str]:
    """A file's name without its ending in two parts: up to the quantization, and that, in capitals.

    "Qwen3-8B-UD-Q4_K_XL-00001-of-00002" gives ("Qwen3-8B", "UD-Q4_K_XL"). The second is empty where the
    name does not say; the first then is all of it.
    """
    match = _IN_NAME.search(stem)
    return (stem[: match.start()], match[1].upper()) if match else (stem, "")


def known(name: str) -> Quantization | None:
    """The table's row for a name or an alias of it; None for one that is not in it ("UD-Q4_K_XL")."""
    wanted = name.upper()
    return QUANTIZATIONS.get(_ALIASES.get(wanted, wanted))
