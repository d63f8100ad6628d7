"""What a model was measured to lose, made up for tests."""

from __future__ import annotations

from app.domain.model_quality import Divergence, Estimate, VariantQuality


def lost(quantization: str, divergence: float, percent: float = 1.0) -> VariantQuality:
    """`divergence` in nats a token; `percent` of perplexity."""
    perplexity = Estimate(10.0 * (1 + percent / 100), 0.1)
    differs = Divergence(perplexity, 10.0, Estimate(divergence, 0.001), Estimate(90.0, 1.0))
    path = f"/models/a-{quantization}.gguf"
    return VariantQuality("a", path, quantization, 100, "aa", perplexity, differs, None, 1.0)
