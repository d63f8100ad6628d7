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
0.00.321.679 I load_tensors: offloading output layer to GPU
0.00.321.686 I load_tensors: offloading 7 repeating layers to GPU
0.00.321.687 I load_tensors: offloaded 8/17 layers to GPU
0.00.321.693 I load_tensors:   CPU_Mapped model buffer size =   820.93 MiB
0.00.321.695 I load_tensors:        CUDA0 model buffer size =   697.65 MiB
0.00.425.497 I llama_context:  CUDA_Host  output buffer size =     1.96 MiB
0.00.425.705 I llama_kv_cache:        CPU KV buffer size =   144.00 MiB
0.00.511.006 I llama_kv_cache:      CUDA0 KV buffer size =   112.00 MiB
0.00.522.877 I sched_reserve:      CUDA0 compute buffer size =    85.25 MiB
0.00.522.885 I sched_reserve:  CUDA_Host compute buffer size =    16.01 MiB
"""
AMX = """\
0.00.524.103 I load_tensors: offloading output layer to GPU
0.00.524.113 I load_tensors: offloaded 31/31 layers to GPU
0.00.524.115 I load_tensors:          AMX model buffer size =    95.34 MiB
0.00.524.117 I load_tensors:   CPU_Mapped model buffer size =    92.10 MiB
0.00.676.042 I sched_reserve:        CPU compute buffer size =    21.51 MiB
"""


def test_on_the_processor() -> None:
    assert read_load(CPU) == LoadReport(mapped_bytes=round(92.10 * MIB))


def test_weights_laid_out_anew() -> None:
    report = read_load(REPACKED)
    assert (report.mapped_bytes, report.repeated_bytes) == (round(695.12 * MIB), 522 * MIB)


def test_on_a_gpu() -> None:
    report = read_load(GPU)
    assert report.gpu_layers == 8
    assert report.gpu_bytes == round(697.65 * MIB) + round(85.25 * MIB) + 112 * MIB
    assert (report.mapped_bytes, report.repeated_bytes) == (round(820.93 * MIB), 0)


def test_a_buffer_that_grew_counts_once() -> None:
    grown = GPU + "I sched_reserve:      CUDA0 compute buffer size =    95.25 MiB\n"
    assert read_load(grown).gpu_bytes == read_load(GPU).gpu_bytes + 10 * MIB


def test_a_processor_s_matrix_unit_is_no_gpu() -> None:
    report = read_load(AMX)
    assert (report.gpu_layers, report.gpu_bytes) == (0, 0)
    assert (report.mapped_bytes, report.repeated_bytes) == (round(92.10 * MIB), round(95.34 * MIB))


def test_parts_of_a_split_model_add_up_and_gpus_do() -> None:
    parts = GPU.replace("CUDA0", "CUDA1") + GPU
    assert read_load(parts).gpu_bytes == 2 * read_load(GPU).gpu_bytes
    assert read_load(REPACKED + REPACKED).mapped_bytes == 2 * read_load(REPACKED).mapped_bytes


def test_weights_that_a_gpu_shares_with_the_processor_are_the_file_s_pages() -> None:
    assert read_load("I load_tensors:  MTL0_Mapped model buffer size =   92.10 MiB").gpu_bytes == 0


def test_a_log_that_says_nothing() -> None:
    assert read_load("") == read_load("listening on http://127.0.0.1") == LoadReport()


LAVAPIPE = """\
0.00.371.558 I llama_prepare_model_devices: using device Vulkan0 (llvmpipe (LLVM 15.0.6, 256 bits)) (unknown id) - 2048 MiB free
0.00.476.909 I load_tensors: offloaded 31/31 layers to GPU
0.00.476.925 I load_tensors:   CPU_Mapped model buffer size =    28.69 MiB
0.00.476.937 I load_tensors:      Vulkan0 model buffer size =    92.10 MiB
0.00.585.148 I llama_context: Vulkan_Host  output buffer size =     0.75 MiB
0.00.585.276 I llama_kv_cache:    Vulkan0 KV buffer size =   180.00 MiB
0.00.698.725 I sched_reserve:    Vulkan0 compute buffer size =    19.26 MiB
"""  # noqa: E501  # as it was written


def test_a_vulkan_driver_that_computes_on_the_processor_has_no_memory_of_its_own() -> None:
    assert read_load(LAVAPIPE) == LoadReport(mapped_bytes=round(28.69 * MIB))
    real = LAVAPIPE.replace("llvmpipe (LLVM 15.0.6, 256 bits)", "AMD Radeon RX 7800 XT (RADV NAVI32)")
    assert read_load(real) == LoadReport(
        31, round(92.10 * MIB) + 180 * MIB + round(19.26 * MIB), round(28.69 * MIB)
    )
