"""Which type llama-quantize gives each tensor: a quantization's name is that of most tensors, not of all.

The rules are those of src/llama-quant.cpp of the pinned llama.cpp, of files made with an importance matrix
where a quantization needs one. Left out are its own rules for Falcon, for 70B and for models of exactly eight
experts, which change a file by two percent at most.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto

from app.domain.quantization import known
from app.models.gguf_header import GGML_TYPES


class Role(Enum):
    """What a matrix is for, as far as its type depends on it."""

    TABLE = auto()
    """Looks tokens up."""
    OUTPUT = auto()
    """Also a table that is the output, too."""
    VALUE = auto()
    """Also queries, keys and values in one matrix."""
    QUERY_KEY = auto()
    ATTENTION_OUTPUT = auto()
    DOWN = auto()
    GATE_UP = auto()
    """Of a feed-forward without experts."""
    EXPERTS = auto()
    """Gate and up of all experts; their down is DOWN."""
    OTHER = auto()

    __hash__ = object.__hash__  # Enum's own is slow, and is asked for every tensor


@dataclass(frozen=True, slots=True)
class Place:
    """Where a matrix is. `heads_per_kv_head` is 1 without grouped queries."""

    layer: int
    layers: int
    heads_per_kv_head: int = 1
    of_experts: bool = False


_FALLBACKS = {"Q2_K": "Q4_0", "Q3_K": "Q4_0", "Q4_K": "Q5_0", "Q5_K": "Q5_1", "Q6_K": "Q8_0"}
"""For rows that a type's blocks do not divide; of the others, all that begin with I become IQ4_NL."""
_BLOCKS = {name: block for name, block, _ in GGML_TYPES.values()}
_Where = Callable[[Place], bool]


def _everywhere(_: Place) -> bool:
    return True


def _more_bits(place: Place) -> bool:
    """The first and last eighth of the layers, and every third between: `use_more_bits`."""
    eighth = place.layers // 8
    return place.layer < eighth or place.layer >= 7 * place.layers // 8 or (place.layer - eighth) % 3 == 2


def _first_eighth(place: Place) -> bool:
    return place.layer < place.layers // 8


def _between_eighths(place: Place) -> bool:
    return place.layers // 8 <= place.layer < 7 * place.layers // 8


def _first_sixteenth(place: Place) -> bool:
    return place.layer < place.layers // 16


def _first_two(place: Place) -> bool:
    return place.layer < 2


def _first_four(place: Place) -> bool:
    return place.layer < 4


def _shared_by_four(place: Place) -> bool:
    return place.heads_per_kv_head >= 4


def _of_experts(place: Place) -> bool:
    return place.of_experts


def _shared_or_experts(place: Place) -> bool:
    return place.heads_per_kv_head >= 4 or place.of_experts


@dataclass(frozen=True, slots=True)
class Mixture:
    """`base` for all that the rules do not name. Of a role's rules the first whose place is met holds."""

    base: str
    rules: Mapping[Role, tuple[tuple[str, _Where], ...]]
    output: str = "Q6_K"
    table: str = ""

    def type_of(self, role: Role, row: int, place: Place) -> str:
        """The ggml type of a matrix with rows of `row` elements, such as "Q6_K"."""
        if role is Role.OUTPUT:
            # The output is worth its bits: eight where the base's blocks do not divide it.
            kind = self.output if row % _BLOCKS[self.base] == 0 else "Q8_0"
        elif role is Role.TABLE:
            kind = self.table or self.base
        else:
            kind = next((kind for kind, met in self.rules.get(role, ()) if met(place)), self.base)
        if row % _BLOCKS[kind]:
            kind = "IQ4_NL" if kind.startswith("I") else _FALLBACKS.get(kind, "F16")
        return kind if row % _BLOCKS[kind] == 0 else "F16"


def _always(kind: str) -> tuple[tuple[str, _Where], ...]:
    return ((kind, _everywhere),)


def _small(base: str, finer: str, table: str, attention: str) -> Mixture:
    """The family below three bits."""
    rules: dict[Role, tuple[tuple[str, _Where], ...]] = {
        Role.VALUE: (("Q4_K", _shared_or_experts), (finer, _everywhere)),
        Role.DOWN: ((finer, _first_eighth),),
    }
    if attention:
        rules[Role.ATTENTION_OUTPUT] = _always(attention)
    return Mixture(base, rules, output="Q5_K", table=table)


_FOUR_BITS = {Role.VALUE: (("Q5_K", _shared_by_four),)}
_MIXTURES = {
    "Q8_0": Mixture("Q8_0", {}, output="Q8_0"),
    "Q6_K": Mixture("Q6_K", {}),
    "Q5_K_M": Mixture(
        "Q5_K",
        {
            Role.VALUE: (("Q6_K", _more_bits),),
            Role.DOWN: (("Q6_K", _more_bits),),
        },
    ),
    "Q5_K_S": Mixture("Q5_K", {}),
    "Q5_1": Mixture("Q5_1", {}),
    "Q5_0": Mixture("Q5_0", {}),
    "Q4_K_M": Mixture(
        "Q4_K",
        {
            Role.VALUE: (("Q6_K", _more_bits),),
            Role.DOWN: (("Q6_K", _more_bits),),
        },
    ),
    "Q4_K_S": Mixture("Q4_K", {Role.VALUE: (("Q5_K", _first_four),), Role.DOWN: (("Q5_K", _first_eighth),)}),
    "Q4_1": Mixture("Q4_1", {}),
    "Q4_0": Mixture("Q4_0", {}),
    "IQ4_NL": Mixture("IQ4_NL", _FOUR_BITS),
    "IQ4_XS": Mixture("IQ4_XS", _FOUR_BITS),
    "Q3_K_L": Mixture(
        "Q3_K",
        {
            Role.VALUE: _always("Q5_K"),
            Role.DOWN: _always("Q5_K"),
            Role.ATTENTION_OUTPUT: _always("Q5_K"),
        },
    ),
    "Q3_K_M": Mixture(
        "Q3_K",
        {
            Role.VALUE: (("Q5_K", _first_two), ("Q4_K", _everywhere)),
            Role.DOWN: (("Q5_K", _first_sixteenth), ("Q4_K", _everywhere)),
            Role.ATTENTION_OUTPUT: _always("Q4_K"),
        },
    ),
    "Q3_K_S": Mixture("Q3_K", {}),
    "IQ3_M": Mixture(
        "IQ3_S",
        {
            Role.VALUE: _always("Q4_K"),
            Role.DOWN: (("Q4_K", _first_eighth),),
            Role.ATTENTION_OUTPUT: _always("Q4_K"),
        },
    ),
    "IQ3_S": Mixture("IQ3_S", {Role.VALUE: (("Q4_K", _shared_by_four),)}),
    "IQ3_XS": Mixture(
        "IQ3_S",
        {
            Role.VALUE: (("Q4_K", _shared_by_four),),
            Role.QUERY_KEY: _always("IQ3_XXS"),
            Role.EXPERTS: (("IQ3_XXS", _between_eighths),),
            Role.GATE_UP: (("IQ3_XXS", _between_eighths),),
        },
    ),
    "IQ3_XXS": Mixture(
        "IQ3_XXS",
        {
            Role.VALUE: (("Q4_K", _shared_by_four),),
            Role.QUERY_KEY: _always("IQ2_S"),
            Role.ATTENTION_OUTPUT: _always("IQ3_S"),
        },
        output="Q5_K",
        table="IQ3_S",
    ),
    "Q2_K": Mixture(
        "Q2_K",
        {
            Role.VALUE: (("Q4_K", _shared_by_four), ("Q3_K", _everywhere)),
            Role.DOWN: _always("Q3_K"),
            Role.ATTENTION_OUTPUT: _always("Q3_K"),
        },
    ),
    "Q2_K_S": Mixture(
        "Q2_K", {Role.VALUE: (("Q4_K", _shared_by_four),), Role.DOWN: (("Q4_K", _first_eighth),)}
    ),
    "IQ2_M": _small("IQ2_S", "IQ3_S", "IQ3_S", "IQ3_S"),
    "IQ2_S": _small("IQ2_XS", "IQ3_S", "IQ3_S", "IQ3_S"),
    "IQ2_XS": _small("IQ2_XS", "Q2_K", "Q2_K", ""),
    "IQ2_XXS": _small("IQ2_XXS", "Q2_K", "Q2_K", ""),
    "IQ1_M": _small("IQ1_M", "Q2_K", "Q2_K", "IQ2_XXS"),
    "IQ1_S": _small("IQ1_S", "Q2_K", "Q2_K", "IQ2_XXS"),
    "MXFP4": Mixture(
        "Q8_0", {Role.EXPERTS: _always("MXFP4"), Role.DOWN: (("MXFP4", _of_experts),)}, output="Q8_0"
    ),
    "F32": Mixture("F32", {}, output="F32"),
    "F16": Mixture("F16", {}, output="F16"),
    "BF16": Mixture("BF16", {}, output="BF16"),
}


def mixture_of(quantization: str) -> Mixture | None:
    """The mixture behind a quantization's name; None for one whose rules are not known here."""
    row = known(quantization)
    return None if row is None else _MIXTURES.get(row.name)
