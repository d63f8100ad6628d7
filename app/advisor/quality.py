"""The order of quantizations by quality, of those too that nobody published a figure of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.advisor.advice import Candidate
from app.domain.model_quality import VariantQuality
from app.domain.quantization import QUANTIZATIONS, known

_TRAINED_IN = {"MXFP4": ("gpt-oss",), "TQ1_0": ("bitnet",), "TQ2_0": ("bitnet",)}
"""Quantizations, and the architectures that were trained in them: there they are the original."""
_BY_BITS = sorted((row.bits, row.divergence) for row in QUANTIZATIONS.values() if row.divergence is not None)


def ranks(candidates: Sequence[Candidate], measured: Mapping[str, VariantQuality]) -> list[float]:
    """Of each its `rank`; of models that were all measured here (but those stored as made) the divergence.

    Figures of two models are not mixed: a small one loses more in each quantization than the one whose
    figures were published, so that the better of two would seem the worse if it alone was measured.
    """
    published = [rank(candidate) for candidate in candidates]
    found: list[float] = []
    for candidate in candidates:
        row = known(candidate.quantization)
        own = measured.get(candidate.quantization)
        if own is not None and own.divergence is not None:
            found.append(own.divergence.divergence.value)
        elif row is not None and row.bits >= 16.0:
            found.append(0.0)
        else:
            return published
    return found if measured else published


def rank(candidate: Candidate) -> float:
    """Lower is better: the divergence from the original (nats a token) that was published.

    Without one ("UD-Q4_K_XL") it is that of the quantization with as many bits a weight, good for an order
    and for nothing else.
    """
    row = known(candidate.quantization)
    if row is not None and candidate.model.shape.architecture in _TRAINED_IN.get(row.name, ()):
        return 0.0
    if row is not None and row.divergence is not None:
        return row.divergence
    return _divergence_of(candidate.bits)


def _divergence_of(bits: float) -> float:
    """Interpolated between the neighbours of the table, whose lines cross now and then."""
    worse = [divergence for other, divergence in _BY_BITS if other <= bits]
    better = [divergence for other, divergence in _BY_BITS if other > bits]
    if not better:
        return worse[-1]
    return (worse[-1] + better[0]) / 2 if worse else better[0]
