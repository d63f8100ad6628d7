"""The order of quantizations by quality, of those too that nobody published a figure of."""

from __future__ import annotations

from app.advisor.advice import Candidate
from app.domain.quantization import QUANTIZATIONS, known

_TRAINED_IN = {"MXFP4": ("gpt-oss",), "TQ1_0": ("bitnet",), "TQ2_0": ("bitnet",)}
"""Quantizations, and the architectures that were trained in them: there they are the original."""
_BY_BITS = sorted((row.bits, row.divergence) for row in QUANTIZATIONS.values() if row.divergence is not None)


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
