"""Speed tests made by hand, for what shows, keeps and compares them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.domain.machine import Cpu, Disk, Gpu, Machine, Memory, Power
from app.domain.speed_test import (
    Case,
    CaseResult,
    ColumnResult,
    Contender,
    EngineFacts,
    Shape,
    SpeedTest,
    Spread,
    TestState,
    Watched,
    Workload,
)

NOTHING_SEEN = Watched()

CHAT = Shape("chat", 128, 128)
WRITE = Shape("write", 32, 512)

MACHINE = Machine(
    system="Linux",
    cpu=Cpu("AMD Ryzen 7 7840U", "x86_64", 8, 16, 8, instruction_sets=("AVX2", "AVX512")),
    memory=Memory(total=32_000_000_000, available=24_000_000_000),
    disk=Disk("/home/zoe/models", 1_000_000_000_000, 500_000_000_000),
    gpus=(Gpu("NVIDIA H100", 80_000_000_000, 79_000_000_000, driver="570.1"),),
    power=Power(on_battery=False, battery_percent=80.0),
)

LLAMA_CPP = Contender("llama_cpp", "llama.cpp", "SmolLM2 135M Instruct", "SmolLM2 135M", "bf16", 16.0)
TRANSFORMERS = Contender(
    "transformers", "Transformers", "SmolLM2 135M Instruct", "SmolLM2 135M", "bf16", 16.0
)
VLLM = Contender("vllm", "vLLM", "SmolLM2 135M Instruct", "SmolLM2 135M", "bf16", 16.0)


def spread(median: float, share: float = 0.02, n: int = 5) -> Spread:
    """A spread that reaches `share` of the median to both sides."""
    return Spread(median, median * (1 - share), median * (1 + share), n)


def result(
    batch: int,
    rate: float,
    *,
    single: float | None = None,
    ttft_s: float = 0.1,
    share: float = 0.02,
    n: int = 5,
    shape: Shape = CHAT,
    watched: Watched = NOTHING_SEEN,
    short_rounds: int = 0,
    problem: str = "",
) -> CaseResult:
    """A case with `rate` tokens a second of all together, `single` of each request."""
    single = rate / batch if single is None else single
    return CaseResult(
        case=Case(shape, batch),
        rounds=n + short_rounds,
        short_rounds=short_rounds,
        ttft=spread(ttft_s, share, n * batch),
        itl=spread(1 / single, share, n * batch * (shape.output_tokens - 1)),
        tpot=spread(1 / single, share, n * batch),
        duration=spread(ttft_s + shape.output_tokens / single, share, n * batch),
        output_rate=spread(rate, share, n),
        total_rate=spread(2 * rate, share, n),
        prompt_tokens=shape.prompt_tokens,
        completion_tokens=shape.output_tokens,
        problem=problem,
        watched=watched,
    )


def column(
    contender: Contender = LLAMA_CPP,
    rates: Mapping[int, float] | None = None,
    *,
    cases: Sequence[CaseResult] = (),
    ttft_s: float = 0.1,
    cold_ttft_s: float | None = 0.3,
    memory: int | None = 400_000_000,
    gpu_memory: int | None = None,
    share: float = 0.02,
    n: int = 5,
    failure: str = "",
) -> ColumnResult:
    """A column with `cases`, or with the chat's at each batch of `rates`."""
    made = [result(batch, rate, ttft_s=ttft_s, share=share, n=n) for batch, rate in (rates or {}).items()]
    return ColumnResult(
        contender,
        facts=EngineFacts(
            versions={contender.engine: "1.2.3"},
            flags=("--parallel", "4"),
            model_file="SmolLM2-135M-Instruct.gguf",
            model_bytes=269_000_000,
            model_hash="ab" * 32,
            device="CPU",
            context_length=4096,
            parallel=4,
            threads=8,
        ),
        load_s=0.4,
        cold_ttft_s=cold_ttft_s,
        memory=memory,
        memory_peak=memory,
        gpu_memory_peak=gpu_memory,
        cases=(*cases, *made),
        failure=failure,
    )


def speed_test(*columns: ColumnResult, at: float = 1_700_000_000.0, **fields: object) -> SpeedTest:
    """A test that is done, with these columns."""
    shapes = dict.fromkeys(case.case.shape for it in columns for case in it.cases) or {CHAT: None}
    batches = sorted({case.case.batch for it in columns for case in it.cases}) or [1]
    return SpeedTest(
        **{
            "id": 7,
            "at": at,
            "workload": Workload(tuple(shapes), tuple(batches), seed=42),
            "machine": MACHINE,
            "app_version": "0.1.0",
            "system": "Debian GNU/Linux 12",
            "columns": columns,
            "order": tuple(reversed(range(len(columns)))),
            "state": TestState.DONE,
            "python_version": "3.11.9",
            **fields,
        }  # type: ignore[arg-type]
    )
