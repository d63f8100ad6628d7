"""The release workflow calls what there is, with no more rights than it needs.

Whether GitHub runs it cannot be known here; what it names can.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped, unused-ignore]  # comes with huggingface_hub

from build.bootstrap import PROJECT
from build.bundle_payload import RELEASES, WHEELS

WORKFLOW = PROJECT / ".github" / "workflows" / "release.yml"
SAID: Any = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))
JOBS: dict[str, Any] = SAID["jobs"]
STEPS = [(name, step) for name, job in JOBS.items() for step in job["steps"]]
RUNS = [(name, step["run"]) for name, step in STEPS if "run" in step]


def test_only_the_job_that_makes_the_draft_may_write() -> None:
    assert SAID["permissions"] == {"contents": "read"}
    assert {name for name, job in JOBS.items() if "permissions" in job} == {"release"}
    assert JOBS["release"]["permissions"] == {
        "contents": "write",
        "id-token": "write",
        "attestations": "write",
    }
    for name, step in STEPS:
        if "checkout" in step.get("uses", ""):
            assert step["with"]["persist-credentials"] is False, name


def test_nobody_elses_actions_are_used() -> None:
    for name, step in STEPS:
        if "uses" in step:
            assert re.fullmatch(r"actions/[a-z-]+@v\d+", step["uses"]), name


def test_what_others_can_choose_is_never_part_of_a_script() -> None:
    # A tag's or a branch's name is text of whoever made it; a secret would stand in a failing script's log.
    for name, script in RUNS:
        assert "${{" not in script, name


def test_every_job_ends_by_itself_and_follows_the_one_it_needs() -> None:
    for name, job in JOBS.items():
        assert 0 < job["timeout-minutes"] < 360, name
        needs = job.get("needs", [])
        assert set([needs] if isinstance(needs, str) else needs) <= set(JOBS), name
    assert set(JOBS["release"]["needs"]) == {"linux", "windows", "macos"}


def test_each_module_and_each_goal_of_make_exists() -> None:
    modules = {found for _, script in RUNS for found in re.findall(r"-m (build\.\w+)", script)}
    assert {"build.release", "build.gpu_package", "build.sbom", "build.windows", "build.macos"} <= modules
    for module in modules:
        assert importlib.util.find_spec(module) is not None, module
    goals = {found for _, script in RUNS for found in re.findall(r"(?m)^make (\w+)", script)}
    assert goals == {"bundle", "packages", "smoke"}
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    for goal in goals:
        assert re.search(rf"(?m)^{goal}:", makefile), goal


def test_bundles_learn_of_their_release_by_the_variables_that_the_build_reads() -> None:
    assert SAID["env"][RELEASES].endswith("/releases")
    assert WHEELS in JOBS["linux"]["env"]
    assert WHEELS in JOBS["windows"]["env"]


def test_what_is_uploaded_is_what_the_draft_is_made_of() -> None:
    uploaded = [step["with"]["name"] for _, step in STEPS if "upload-artifact" in step.get("uses", "")]
    [wanted] = [
        step["with"]["pattern"]
        for step in JOBS["release"]["steps"]
        if "download-artifact" in step.get("uses", "")
    ]
    assert wanted == "{gpu,installers}-*"
    assert {name.partition("-")[0] for name in uploaded} == {"gpu", "installers", "smoke"}


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="needs shellcheck: apt-get install shellcheck")
def test_the_shell_scripts_are_sound() -> None:
    for name, step in STEPS:
        if "run" in step and step.get("shell", "bash") == "bash":
            done = subprocess.run(
                ["shellcheck", "--shell=bash", "--severity=warning", "-"],
                input=step["run"],
                capture_output=True,
                text=True,
            )
            assert done.returncode == 0, f"{name}: {done.stdout}"
