"""What a quantization costs in quality, as it was measured on this machine against the original.

The figures are those of llama.cpp's `llama-perplexity`: perplexity (PPL) says how surprised a model is by a
text; the Kullback-Leibler divergence (KLD, nats a token) how far its predictions are from the original's; the
last how often both hold the same token for the likeliest. Errors are one standard error over the tokens.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.quantization import Quality, quality_of


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean and its standard error, in the same unit."""

    value: float
    error: float


@dataclass(frozen=True, slots=True)
class Divergence:
    """How a model's predictions differ from the original's, on the same text."""

    perplexity: Estimate
    original_perplexity: float
    divergence: Estimate
    """KLD in nats a token."""
    same_top: Estimate
    """Tokens of which both hold the same for the likeliest, in percent."""


@dataclass(frozen=True, slots=True)
class MeasuredSpeed:
    """Tokens a second by `llama-bench`, mean and standard deviation over its repetitions."""

    prompt: Estimate
    generation: Estimate


@dataclass(frozen=True, slots=True)
class VariantQuality:
    """One form of a model beside the original. `divergence` is None for the original itself."""

    name: str
    path: str
    quantization: str
    size: int
    """Bytes."""
    file_hash: str
    """SHA-256 of the file, of several that of their SHA-256."""
    perplexity: Estimate
    divergence: Divergence | None
    speed: MeasuredSpeed | None
    """None where it was not measured."""
    at: float
    """Seconds since the epoch."""
    saw_the_text: bool = False
    """Made with an importance matrix of the very text: it then looks better than it is."""

    @property
    def perplexity_increase_percent(self) -> float | None:
        """Against the original's; None for the original itself."""
        if self.divergence is None:
            return None
        ratio = self.divergence.perplexity.value / self.divergence.original_perplexity
        return 100.0 * (ratio - 1.0)

    @property
    def quality(self) -> Quality:
        """In words, by the same bounds as what was published."""
        if self.divergence is None:
            return Quality.LOSSLESS
        return quality_of(max(0.0, self.divergence.divergence.value))


@dataclass(frozen=True, slots=True)
class QualityReport:
    """An original and what was made of it, on one text."""

    original: VariantQuality
    variants: tuple[VariantQuality, ...]
    text: str
    """The text's name."""
    text_hash: str
    """SHA-256 of it."""
    context: int
    """Tokens in a chunk of it. Those of the second half are counted, the first half lies before them."""
    chunks: int

    @property
    def tokens(self) -> int:
        """How many were predicted and counted."""
        return self.chunks * counted_tokens(self.context)


def counted_tokens(context: int) -> int:
    """Of a chunk of `context` tokens those that llama-perplexity counts (tools/perplexity/perplexity.cpp)."""
    return context - 1 - context // 2
