"""What llama-server's log says of memory: lines of the pinned build, on a processor and on an H100."""

from __future__ import annotations

from app.engines.base import LoadReport
from app.engines.llama_cpp_log import read_load

MIB = 1 << 20
CPU = """\
0.00.156.425 I load_tensors:   CPU_Mapped model buffer size =    92.10 MiB
0.00.157.664 I llama_context:        CPU  output buffer size =     0.75 MiB
0.00.157.742 I llama_kv_cache:        CPU KV buffer size =    45.00 MiB
0.00.184.607 I sched_reserve:        CPU compute buffer size =    15.51 MiB
"""
REPACKED = """\
0.01.579.991 I load_tensors:   CPU_Mapped model buffer size =   695.12 MiB
0.01.580.032 I load_tensors:   CPU_REPACK model buffer size =   522.00 MiB
"""
GPU = """\
I load_tensors: offloaded 30/31 layers to GPU
I load_tensors:   CPU_Mapped model buffer size =    28.69 MiB
I load_tensors:        CUDA0 model buffer size =    92.10 MiB
I llama_context:  CUDA_Host  output buffer size =     0.75 MiB
I llama_kv_cache:      CUDA0 KV buffer size =   180.00 MiB
I llama_memory_recurrent:      CUDA0 RS buffer size =     2.00 MiB
I sched_reserve:      CUDA0 compute buffer size =   100.00 MiB
I sched_reserve:      CUDA0 compute buffer size =   110.00 MiB
I sched_reserve:  CUDA_Host compute buffer size =    19.50 MiB
"""


def test_on_the_processor() -> None:
    assert read_load(CPU) == LoadReport(mapped_bytes=round(92.10 * MIB))


def test_weights_laid_out_anew() -> None:
    report = read_load(REPACKED)
    assert (report.mapped_bytes, report.repeated_bytes) == (round(695.12 * MIB), 522 * MIB)


def test_on_a_gpu() -> None:
    report = read_load(GPU)
    assert report.gpu_layers == 30
    assert report.gpu_bytes == round(92.10 * MIB) + (180 + 2 + 110) * MIB
    assert (report.mapped_bytes, report.repeated_bytes) == (round(28.69 * MIB), 0)


def test_parts_of_a_split_model_add_up_and_gpus_do() -> None:
    parts = GPU.replace("CUDA0", "CUDA1") + GPU
    assert read_load(parts).gpu_bytes == 2 * read_load(GPU).gpu_bytes
    assert read_load(REPACKED + REPACKED).mapped_bytes == 2 * read_load(REPACKED).mapped_bytes


def test_weights_that_a_gpu_shares_with_the_processor_are_the_file_s_pages() -> None:
    assert read_load("I load_tensors:  MTL0_Mapped model buffer size =   92.10 MiB").gpu_bytes == 0


def test_a_log_that_says_nothing() -> None:
    assert read_load("") == read_load("listening on http://127.0.0.1") == LoadReport()
