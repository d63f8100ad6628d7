"""Processors without AVX2, without AVX, without SSE4.2: the whole of Edgewise chats there, emulated."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from tests.smoke import old_processor
from tests.smoke.bare_system import BareSystem
from tests.smoke.built import Packages

pytestmark = [pytest.mark.bare_system, pytest.mark.timeout(3600)]  # the first step may build the packages

EMULATED_S = 400
"""Half a minute on two idle cores; they may not be."""
TOKENS = "4"


@pytest.fixture(scope="module", params=["bookworm"])
def suite(request: pytest.FixtureRequest) -> str:
    """One is enough: what matters is the processor."""
    return str(request.param)


@pytest.fixture(scope="module")
def program(system: BareSystem, packages: Packages) -> str:
    """The unpacked archive's program."""
    if not old_processor.can_emulate():
        pytest.skip("needs Linux 6.7 or newer, which emulates a system's programs apart from the others")
    archive = system.bring(packages.archive, packages.archive.name)
    system.run("tar", "-xzf", archive, "-C", "/opt")
    return f"/opt/{packages.archive.name.removesuffix('.tar.gz')}/Edgewise/edgewise"


@pytest.mark.parametrize(
    ("processor", "variant"), [("SandyBridge", "sandybridge"), ("Nehalem", "sse42"), ("Conroe", "x64")]
)
def test_it_chats_there(
    system: BareSystem, program: str, figures: dict[str, Any], processor: str, variant: str
) -> None:
    home = f"/root/{processor}"
    began = time.monotonic()
    answer = old_processor.run(
        system, processor, home, [program, "chat", "--max-tokens", TOKENS, "Hi"], EMULATED_S
    )
    figures[f"chat_emulated_on_{processor}_s"] = round(time.monotonic() - began, 1)
    assert answer.strip()
    (log,) = old_processor.logs(system, home)
    chosen = re.findall(r"loaded CPU backend from \S*libggml-cpu-(\w+)\.so", log.read_text(encoding="utf-8"))
    assert chosen == [variant]
