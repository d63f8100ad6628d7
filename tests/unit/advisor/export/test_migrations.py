"""The three moves, before and after."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace

import pytest

from app.advisor.export import CannotExport, Code, Move, migration
from app.advisor.export.migrations import EXAMPLE_MODEL
from app.models.catalog import find
from tests.unit.advisor.export.made import HERE


def check(code: Code) -> None:
    if code.language == "python":
        compile(code.text, code.file_name, "exec", dont_inherit=True)
    elif os.name != "nt":
        subprocess.run(["bash", "-n"], input=code.text.encode(), check=True)


@pytest.mark.parametrize("move", Move)
@pytest.mark.parametrize("model", [EXAMPLE_MODEL, HERE], ids=["on the hub", "here"])
def test_both_sides_are_programs_and_what_changes_is_told(move, model) -> None:
    moved = migration(move, model)
    check(moved.before)
    check(moved.after)
    assert all(change.endswith(".") for change in moved.changes)
    assert "10x" not in moved.before.text + moved.after.text + "".join(moved.changes)


@pytest.mark.parametrize(
    ("move", "before", "after"),
    [
        (Move.HF_TO_VLLM, "from transformers import", "from vllm import"),
        (Move.HF_TO_LLAMA_CPP, "from transformers import", "llama-quantize model-f16.gguf"),
        (Move.VLLM_TO_SGLANG, "from vllm import", '"json_schema": json.dumps(SCHEMA)'),
    ],
)
def test_each_side_is_of_its_framework(move, before, after) -> None:
    assert before in migration(move).before.text
    assert after not in migration(move).before.text
    assert after in migration(move).after.text


def test_the_conversion_takes_a_folder_that_is_here_as_it_is() -> None:
    here = migration(Move.HF_TO_LLAMA_CPP, HERE).after.text
    assert "hf download" not in here
    assert "ln -sfn /models/smol original" in here
    assert "hf download HuggingFaceTB/SmolLM2-135M-Instruct --local-dir" in (
        migration(Move.HF_TO_LLAMA_CPP).after.text
    )


def test_a_model_without_safetensors_has_a_place_to_be_filled_in() -> None:
    gguf = replace(HERE, forms=HERE.forms[:1])
    after = migration(Move.HF_TO_LLAMA_CPP, gguf).after
    assert "OWNER/MODEL" in after.text
    assert after.notes


def test_a_path_that_is_no_word_is_refused() -> None:
    nul = replace(EXAMPLE_MODEL, repository="a\0b", forms=())
    with pytest.raises(CannotExport):
        migration(Move.HF_TO_LLAMA_CPP, nul)


def test_the_example_is_of_the_catalog() -> None:
    starter = find("smollm2-135m")
    assert starter is not None
    assert (starter.original, starter.repository) == (EXAMPLE_MODEL.repository, EXAMPLE_MODEL.gguf_repository)
