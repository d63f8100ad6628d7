"""What the desktop is told is valid by its own tools, and as true as the command line."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from app.cli.command_line import COMMANDS, _parser
from build.completion import bash_completion, commands_of
from build.desktop_files import INSTALLER, day, desktop_files, filled


@pytest.fixture(scope="module")
def share(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("share")
    for name, content in desktop_files("1.2.3", 1_790_000_000, folder / "no icons").items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def checked(program: str, *arguments: str | Path, **environment: str) -> str:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is missing")
    done = subprocess.run(
        [program, *arguments],
        capture_output=True,
        encoding="utf-8",
        env=os.environ | environment,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_menu_entry_is_valid(share: Path) -> None:
    assert checked("desktop-file-validate", share / "applications" / "edgewise.desktop") == ""


def test_what_a_software_centre_reads_is_valid(share: Path) -> None:
    metainfo = share / "metainfo" / "edgewise.metainfo.xml"
    # Edgewise has no domain whose name it could carry backwards.
    said = checked(
        "appstreamcli", "validate", "--no-net", "--override=cid-desktopapp-is-not-rdns=info", metainfo
    )
    assert "E:" not in said
    assert '<release version="1.2.3" date="2026-09-21"/>' in metainfo.read_text(encoding="utf-8")


def test_model_files_are_recognised_by_name_and_content(share: Path, tmp_path: Path) -> None:
    shutil.copytree(share / "mime", tmp_path / "mime")
    checked("update-mime-database", tmp_path / "mime", XDG_DATA_DIRS=str(tmp_path))
    assert "application/x-gguf:*.gguf" in (tmp_path / "mime" / "globs2").read_text(encoding="utf-8")
    assert b"application/x-gguf" in (tmp_path / "mime" / "magic").read_bytes()
    entry = (share / "applications" / "edgewise.desktop").read_text(encoding="utf-8")
    assert "MimeType=application/x-gguf;" in entry


def test_the_page_of_the_manual_names_every_command_and_is_well_formed(share: Path) -> None:
    page = (INSTALLER / "edgewise.1").read_text(encoding="utf-8")
    for command in COMMANDS:
        assert f"\n.TP\n.B {command}\n" in page
    said = checked("groff", "-man", "-Tutf8", "-ww", "-z", INSTALLER / "edgewise.1", LC_ALL="C.UTF-8")
    assert said == ""
    assert (share / "man" / "man1" / "edgewise.1.gz").read_bytes()[:2] == b"\x1f\x8b"


def complete(script: Path, *words: str) -> list[str]:
    """What bash offers for the last of `words`."""
    program = f"""
    source '{script}'
    COMP_WORDS=({" ".join(f"'{word}'" for word in words)}); COMP_CWORD={len(words) - 1}
    _edgewise
    printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    return checked("bash", "-c", program).split()


def test_bash_completes_commands_and_options(share: Path) -> None:
    script = share / "bash-completion" / "completions" / "edgewise"
    assert set(COMMANDS) <= set(complete(script, "edgewise", ""))
    assert complete(script, "edgewise", "do") == ["doctor"]
    assert "--model" in complete(script, "edgewise", "chat", "--m")
    assert "download" in complete(script, "edgewise", "models", "d")
    assert complete(script, "edgewise", "models", "download", "--quant") == ["--quantization"]
    assert complete(script, "edgewise", "nonsense", "x") == []


def test_completion_knows_the_command_line_as_it_is() -> None:
    commands = commands_of(_parser())
    assert set(COMMANDS) <= set(commands)
    assert "--quantization" in commands["models download"]
    assert bash_completion(_parser()).count("words=") == len(commands) + 1


def test_a_value_that_nobody_gave_is_told() -> None:
    with pytest.raises(ValueError, match=r"edgewise\.1 asks for a value"):
        filled("edgewise.1", {"DATE": day(0)})
