"""`edgewise models download` as a person runs it, with a loopback hub."""

import json
import os
import signal
import subprocess
import sys

import pytest

from app.cli.download_models import choose, progress_line
from app.domain.download import Download, DownloadState
from app.domain.errors import NotOnHub
from app.domain.hub import Format, HubFile, Variant
from app.models.catalog import catalog
from app.storage.paths import Paths
from app.storage.settings import Settings, save_settings
from tests.faults.waiting import until
from tests.gguf_files import small_gguf
from tests.hub_server import Fault, HubServer

NAME = "maker/Small-GGUF"
KNOWN = catalog()[1]
COMMAND = [sys.executable, "-m", "app", "models", "download"]


@pytest.fixture
def hub(empty_home, monkeypatch):
    with HubServer() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        monkeypatch.delenv("HF_TOKEN", raising=False)
        files = {"Small-Q8_0.gguf": small_gguf(400_000), "Small-Q4_K_M.gguf": small_gguf(200_000, seed=1)}
        server.add(NAME, files)
        yield server


def edgewise(*arguments):
    return subprocess.run(
        [*COMMAND, *arguments],
        stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", timeout=60, check=False,
        env={**os.environ, "PYTHONUTF8": "1"},
    )  # fmt: skip


def test_a_download_of_what_is_advised(hub, empty_home):
    done = edgewise(NAME)
    path = empty_home / "models" / NAME / "Small-Q8_0.gguf"
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"Small · Q8_0 is in the library: {path}\n"
    assert path.read_bytes() == small_gguf(400_000)


def test_a_download_for_a_program(hub, empty_home):
    done = edgewise(NAME, "--quantization", "q4_k_m", "--json")
    path = empty_home / "models" / NAME / "Small-Q4_K_M.gguf"
    answer = json.loads(done.stdout)
    assert (answer["path"], answer["quantization"], answer["size"]) == (
        str(path),
        "Q4_K_M",
        path.stat().st_size,
    )
    assert answer["files"] == [str(path)]


def test_a_model_of_the_catalog_by_its_id(hub, empty_home):
    model = catalog()[-1]
    hub.add(model.repository, {"Large-Q4_K_M.gguf": small_gguf(200_000)})
    done = edgewise(model.id, "--quantization", "Q4_K_M")
    path = empty_home / "models" / model.repository / "Large-Q4_K_M.gguf"
    assert done.stdout == f"{model.name} · Q4_K_M is in the library: {path}\n"


def test_what_the_library_does_not_list_is_not_called_in_it(hub, empty_home):
    config = b'{"architectures": ["BertModel"], "model_type": "bert"}'
    hub.add("maker/Embeds", {"config.json": config, "model.safetensors": b"weights" * 100})
    done = edgewise("maker/Embeds")
    folder = empty_home / "models" / "maker" / "Embeds"
    assert (folder / "model.safetensors").is_file()
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"Embeds has arrived and is kept in {folder}, but it is not in the library")


def test_a_quantization_that_is_not_there(hub):
    done = edgewise(NAME, "--quantization", "Q2_K")
    assert done.returncode == 1
    assert done.stderr == f"{NAME} has no Q2_K. There is: Q8_0, Q4_K_M.\n"


def test_a_gated_repository(hub):
    hub.add("maker/Gated", {"Gated-Q4_K_M.gguf": small_gguf(200_000)}, gated="manual")
    done = edgewise("maker/Gated")
    assert done.returncode == 1
    assert "edgewise models token --set" in done.stderr


def test_offline_nothing_is_asked(hub):
    paths = Paths.find()
    save_settings(paths.settings, Settings(offline=True))
    done = edgewise(NAME)
    assert done.returncode == 1
    assert "Offline mode is on" in done.stderr
    assert hub.connections == 0


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def arrived(home):
    return sum(part.stat().st_size for part in (home / "models" / ".incoming").rglob("*.part"))


@pytest.mark.parametrize(("wanted", "typed"), [(NAME, NAME), (KNOWN.name, f"'{KNOWN.name}'")])
def test_ctrl_c_keeps_what_has_arrived_and_says_how_to_go_on(hub, empty_home, wanted, typed):
    file = "Small-Q4_K_M.gguf"
    repository = NAME if wanted == NAME else KNOWN.repository
    hub.add(repository, {file: small_gguf(200_000, seed=1)})
    hub.fail(repository, file, Fault(stall_after=100_000))
    with subprocess.Popen(
        [*COMMAND, wanted, "--quantization", "q4_k_m"],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        until(lambda: arrived(empty_home) > 0)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert said == (
        "Stopped; what has arrived is kept. To go on: "
        f"edgewise models download {typed} --quantization Q4_K_M\n"
    )
    kept = arrived(empty_home)
    assert edgewise(wanted, "--quantization", "Q4_K_M").returncode == 0
    assert hub.contents(file)[-1].first_byte == kept > 0


def variant(label, size, format=Format.GGUF):
    return Variant("a/b", "main", format, label, (HubFile(f"{label}.x", size),))


def test_without_a_wish_the_usual_one_is_taken_else_the_smallest_gguf():
    usual, large, small = variant("Q4_K_M", 4), variant("Q8_0", 8), variant("Q2_K", 2)
    folder = variant("BF16", 1, Format.SAFETENSORS)
    assert choose([large, usual, small, folder], None, "a/b") is usual
    assert choose([large, small, folder], None, "a/b") is small
    assert choose([folder], None, "a/b") is folder
    with pytest.raises(NotOnHub, match="a/b holds nothing"):
        choose([], None, "a/b")


def test_the_line_says_where_it_stands():
    it = variant("Q4_K_M", 2_000_000_000)
    download = Download(1, "Small", it, DownloadState.RUNNING, 500_000_000, it.size, 1e7, 150.0)
    assert progress_line(download) == (
        "Small  [#####---------------]  25 %  0.5 of 2.0 GB  10 MB/s  2 min left"
    )
    again = Download(
        1, "Small", it, DownloadState.RETRYING, 5, it.size, retry_in_s=3.2, error="It broke off."
    )
    assert progress_line(again) == "Again in 3 s. It broke off."
    assert progress_line(Download(1, "Small", it, DownloadState.WAITING)) == "Small  waiting"
    checking = Download(1, "Small", it, DownloadState.VERIFYING, 2_000_000_000, it.size)
    assert progress_line(checking).endswith("100 %  2.0 of 2.0 GB  checking")
