"""What a speed test asks of engines, and what it measured.

Times are in seconds, memory in bytes, energy in joules. None means not measured, never zero. Token counts
come from the engines' `usage`. The terms are the field's: TTFT (time to first token), ITL (inter-token
latency, each gap), TPOT (time per output token: (end-to-end - TTFT) / (n - 1)).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from app.domain.generation import ServerTimings
from app.domain.machine import Machine


@dataclass(frozen=True, slots=True)
class Shape:
    """What each request is like: tokens of its prompt and of its reply, and `depth` tokens that stand before
    the prompt and are read with it, so that the reply is made deep inside the context."""

    name: str
    prompt_tokens: int
    output_tokens: int
    depth: int = 0

    @property
    def context_tokens(self) -> int:
        """Tokens of context that one request takes."""
        return self.depth + self.prompt_tokens + self.output_tokens


@dataclass(frozen=True, slots=True)
class Case:
    """One row of a test: `batch` requests of a shape at once."""

    shape: Shape
    batch: int


@dataclass(frozen=True, slots=True)
class Workload:
    """All that each engine is asked. `budget_s` is for the whole test, loading included; None: no limit.

    Every shape is asked in every batch; those of `alone` one request at a time only, since many of them at
    once would want more memory than they tell. Each case is done `warmups` times unmeasured, then
    `repetitions` times. `seed` decides prompts and the order of the engines; between two of them the machine
    rests for `cool_down_s`.
    """

    shapes: tuple[Shape, ...]
    batches: tuple[int, ...]
    warmups: int = 1
    repetitions: int = 5
    budget_s: float | None = 600.0
    cool_down_s: float = 3.0
    seed: int = 0
    alone: tuple[Shape, ...] = ()

    @property
    def cases(self) -> tuple[Case, ...]:
        """In the order they are done, each once: every shape with the smallest batch first."""
        cases = [Case(shape, batch) for batch in self.batches for shape in self.shapes]
        cases += [Case(shape, 1) for shape in self.alone]
        return tuple(dict.fromkeys(sorted(cases, key=lambda case: case.batch)))  # sorted() keeps the order


@dataclass(frozen=True, slots=True)
class Contender:
    """What takes part as one column: a form of a model in an engine.

    `precision` is that of the weights as they are computed ("Q4_K_M", "bf16", "int8"); forms of the same
    model share `family`. `bits` a weight, where the precision says.
    """

    engine_id: str
    engine: str
    model: str
    family: str
    precision: str
    bits: float | None = None
    remote: bool = False


@dataclass(frozen=True, slots=True)
class Spread:
    """A median with its 5th and 95th percentile, over `n` values."""

    median: float
    p5: float
    p95: float
    n: int


@dataclass(frozen=True, slots=True)
class RequestSample:
    """One request as the client saw it. `gaps` lie between two pieces of the reply; an engine may put several
    tokens into a piece. `began_s` counts from its round's beginning."""

    began_s: float
    ttft_s: float | None
    duration_s: float
    gaps_s: tuple[float, ...] = ()
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    timings: ServerTimings | None = None
    error: str = ""

    @property
    def tpot_s(self) -> float | None:
        """Time per output token after the first."""
        if self.ttft_s is None or self.completion_tokens is None or self.completion_tokens < 2:
            return None
        return (self.duration_s - self.ttft_s) / (self.completion_tokens - 1)


@dataclass(frozen=True, slots=True)
class Round:
    """Requests that were begun together. `span_s`: from the first one's beginning to the last one's end."""

    samples: tuple[RequestSample, ...]
    span_s: float


class Disturbance(StrEnum):
    """What makes a figure doubtful."""

    THERMAL = "throttled by heat"
    POWER_LIMIT = "throttled by a power limit"
    OTHER_LOAD = "other programs used the processor"
    STOLEN = "the host gave processor time to others"
    SWAPPING = "memory was swapped"
    BATTERY = "on battery"
    POWER_CHANGED = "the power supply changed"


@dataclass(frozen=True, slots=True)
class Observation:
    """A disturbance that was seen while something was measured, with its figure in words ("0.8 cores")."""

    kind: Disturbance
    detail: str


@dataclass(frozen=True, slots=True)
class Energy:
    """Energy that the machine used while something was measured.

    `joules` are all that `sources` ("processor", "GPU", "battery") counted in `seconds`; `idle_watts` is what
    they count when nothing runs, None if that could not be measured.
    """

    joules: float
    seconds: float
    sources: tuple[str, ...]
    idle_watts: float | None = None

    @property
    def net_joules(self) -> float | None:
        """Without what the idle machine uses; never below zero."""
        if self.idle_watts is None:
            return None
        return max(0.0, self.joules - self.idle_watts * self.seconds)


@dataclass(frozen=True, slots=True)
class Watched:
    """What was seen of the machine during some span: peaks of the engine's process tree and of the GPUs'
    memory it holds, energy, disturbances."""

    memory_peak: int | None = None
    gpu_memory_peak: int | None = None
    energy: Energy | None = None
    observations: tuple[Observation, ...] = ()
    cpu_seconds: float | None = None
    """Processor time of the engine's process tree."""


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One case of one contender. Rounds that failed or fell short of the tokens asked for are not averaged:
    they are counted in `short_rounds`, and `problem` says in a sentence what was wrong.

    `ttft`, `itl`, `tpot` and `duration` are over requests; `output_rate` and `total_rate`, tokens a second of
    all requests together, over rounds. `server_rate` is the engine's own figure for one request's decoding.
    """

    case: Case
    rounds: int
    short_rounds: int = 0
    ttft: Spread | None = None
    itl: Spread | None = None
    tpot: Spread | None = None
    duration: Spread | None = None
    output_rate: Spread | None = None
    total_rate: Spread | None = None
    server_rate: Spread | None = None
    prompt_tokens: int | None = None
    """Median of what the engine counted."""
    completion_tokens: int | None = None
    tokens_per_piece: float | None = None
    """Where clearly above 1, `itl` is between pieces of several tokens."""
    problem: str = ""
    watched: Watched = Watched()

    @property
    def decode_rate(self) -> float | None:
        """Tokens a second of one request, 1 / TPOT."""
        return 1.0 / self.tpot.median if self.tpot is not None and self.tpot.median > 0 else None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A case that was not measured, and why, in a sentence."""

    case: Case
    reason: str


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """What exactly ran: all that somebody needs to do it again. `flags` without the key.

    `model_hash` is the SHA-256 of the model's file, of several files that of the list of their SHA-256.
    `versions` are the engine's own and its libraries'.
    """

    versions: dict[str, str] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    model_file: str = ""
    model_bytes: int = 0
    model_hash: str = ""
    device: str = ""
    context_length: int | None = None
    """Tokens of context that all requests share."""
    parallel: int | None = None
    """Requests that it works on at once; more wait."""
    threads: int | None = None
    request_context: int | None = None
    """Tokens that a single request may take, where that is less than all of them."""


@dataclass(frozen=True, slots=True)
class ColumnResult:
    """One contender's results. `failure` says in a sentence why it ended early; what was measured stays.

    `memory` is the process tree's once the model was loaded, `memory_peak` at its highest in all cases.
    `cold_ttft_s` is of the first request of a fresh process.
    """

    contender: Contender
    facts: EngineFacts = EngineFacts()
    load_s: float | None = None
    cold_ttft_s: float | None = None
    memory: int | None = None
    memory_peak: int | None = None
    gpu_memory_peak: int | None = None
    cases: tuple[CaseResult, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    failure: str = ""
    detail: str = ""
    """What stands behind the failure: a log."""

    def of(self, case: Case) -> CaseResult | None:
        """The result of one case, if it was measured."""
        return next((it for it in self.cases if it.case == case), None)


class TestState(StrEnum):
    """How far a test came."""

    __test__ = False  # no test of pytest's

    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    """The app ended meanwhile; what was measured until then is there."""


@dataclass(frozen=True, slots=True)
class SpeedTest:
    """One whole test. `at` in seconds since the epoch; columns in the order they were picked, `order` gives
    the positions in the order they ran."""

    id: int
    at: float
    workload: Workload
    machine: Machine
    app_version: str
    system: str
    """The operating system with its version."""
    columns: tuple[ColumnResult, ...]
    order: tuple[int, ...] = ()
    state: TestState = TestState.RUNNING
    python_version: str = ""
