"""Downloads with the real huggingface_hub, in the real worker process, from a server like the hub.

Whatever goes wrong: a person gets a sentence, the library nothing bad, and nothing good is fetched twice.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from app.domain.download import DownloadState
from app.domain.hub import Format, HubFile, Variant
from app.models.library import local_models
from app.services import download_queue
from app.services.download_queue import OFFLINE, DownloadQueue, Patience
from app.storage.checksums import Checksums
from app.storage.paths import Paths
from tests.faults.waiting import until
from tests.gguf_files import small_gguf
from tests.hub_server import Fault, HubServer
from tests.processes import is_alive

ROOT = Path(__file__).parents[2]
REPOSITORY = "owner/Small-GGUF"
FILE = "Small-Q4_K_M.gguf"
QUICK = Patience(first_s=0.05, longest_s=0.2, tries=3)
CUT = 1_000_000
SLOW = 400_000.0
"""Bytes a second: slow enough to be met while it runs."""
LOST = 65536
"""At most so many bytes that went out before a break were not kept."""

DONE, FAILED, PAUSED, RETRYING = (
    DownloadState.DONE, DownloadState.FAILED, DownloadState.PAUSED, DownloadState.RETRYING,
)  # fmt: skip


@pytest.fixture(scope="module")
def data() -> bytes:
    return small_gguf()


@pytest.fixture
def hub(monkeypatch):
    with HubServer() as server:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        yield server


@pytest.fixture
def paths(empty_home) -> Paths:
    return Paths.find()


@pytest.fixture
def queues(paths):
    """Makes queues; no worker outlives its test."""
    made = []

    def make(*, token=None, offline=lambda: False, patience=QUICK, **more):
        queue = DownloadQueue(paths, lambda: token, offline, patience=patience, **more)
        made.append(queue)
        return queue

    yield make
    for queue in made:
        queue.close()
    assert not workers()


@pytest.fixture
def queue(queues) -> DownloadQueue:
    return queues()


def workers(of: int | None = None) -> list[psutil.Process]:
    """The workers that `of`, or else this process, has now."""
    children = psutil.Process(of).children(recursive=True)
    return [
        child for child in children if is_alive(child) and "app.models.download_worker" in child.cmdline()
    ]


def put(hub, files, repository=REPOSITORY, **more) -> Variant:
    """Put files on the hub; what the app would find there. The first ends in .gguf, or it is safetensors."""
    on_hub = hub.add(repository, files, **more)
    listed = tuple(
        HubFile(path, blob.size, blob.etag if blob.lfs else None) for path, blob in on_hub.blobs.items()
    )
    projector = next((file for file in listed if file.path.startswith("mmproj")), None)
    kind = Format.GGUF if listed[0].path.endswith(".gguf") else Format.SAFETENSORS
    own = tuple(file for file in listed if file is not projector)
    return Variant(repository, on_hub.commit, kind, "Q4_K_M", own, projector)


def ended(queue, id_, deadline_s=30.0):
    """Where a download stands once it does not go on by itself."""
    download = queue.wait(id_, deadline_s)
    assert download is not None
    assert not download.active, download
    return download


def shown(queue, id_):
    """Where a download stands now."""
    return next(download for download in queue.snapshot() if download.id == id_)


def in_library(paths) -> dict[str, bytes]:
    """Everything in the model folder that is not hidden."""
    files = (path for path in paths.models.rglob("*") if path.is_file())
    relative = {path.relative_to(paths.models): path for path in files}
    return {
        name.as_posix(): path.read_bytes()
        for name, path in relative.items()
        if not name.parts[0].startswith(".")
    }


def staged(paths) -> int:
    """Bytes of files that are gathered, whole or in part."""
    return sum(path.stat().st_size for path in paths.incoming.rglob("*.[pw]*") if path.is_file())


def nothing_staged(paths) -> bool:
    return not any(paths.incoming.iterdir())


# What goes well


def test_a_real_model_arrives_and_is_there(hub, queue, paths, starter_model):
    variant = put(hub, {starter_model.name: starter_model})
    download = ended(queue, queue.add(variant, "SmolLM2 135M · Q4_1"))
    assert download.state is DONE, download
    assert download.done == download.size == starter_model.stat().st_size
    (model,) = local_models(paths.models)
    assert model.path == paths.models / REPOSITORY / starter_model.name
    digest = hashlib.sha256(model.path.read_bytes()).hexdigest()
    assert digest == hashlib.sha256(starter_model.read_bytes()).hexdigest()
    kept = Checksums(paths.checksums).get(f"{REPOSITORY}/{starter_model.name}")
    assert kept is not None
    assert (kept.sha256, kept.size) == (digest, starter_model.stat().st_size)
    assert nothing_staged(paths)
    assert [(asked.host, asked.method) for asked in hub.asked] == [("hub", "HEAD"), ("cdn", "GET")]


def test_all_files_of_a_split_model_arrive_together(hub, queue, paths):
    names = [f"Q4_K_M/Big-Q4_K_M-0000{n}-of-00003.gguf" for n in (1, 2, 3)]
    files = {name: small_gguf(500_000, seed=n) for n, name in enumerate(names)}
    files["mmproj-F16.gguf"] = small_gguf(300_000, seed=9)
    variant = put(hub, files)
    hub.fail(REPOSITORY, names[2], Fault(bytes_per_second=SLOW))
    id_ = queue.add(variant, "Big")
    until(lambda: hub.sent(names[2]) > 0)
    assert in_library(paths) == {}
    assert ended(queue, id_).state is DONE
    assert in_library(paths) == {f"{REPOSITORY}/{name}": content for name, content in files.items()}


def test_a_safetensors_repository_arrives_as_a_folder(hub, queue, paths):
    files = {
        "config.json": b'{"architectures": ["LlamaForCausalLM"]}',
        "empty.txt": b"",
        "tokenizer.json": b"{}" * 1000,
        "model.safetensors": os.urandom(500_000),
    }
    download = ended(queue, queue.add(put(hub, files), "Small"))
    assert download.state is DONE, download
    assert in_library(paths) == {f"{REPOSITORY}/{name}": content for name, content in files.items()}
    assert len(Checksums(paths.checksums).all()) == len(files)


def test_what_the_library_has_is_not_fetched_again(hub, queue, paths, data):
    names = ["Big-00001-of-00002.gguf", "Big-00002-of-00002.gguf"]
    other = small_gguf(seed=1)
    variant = put(hub, dict(zip(names, (data, other), strict=True)))
    there = paths.models / REPOSITORY / names[0]
    there.parent.mkdir(parents=True)
    there.write_bytes(data)
    assert ended(queue, queue.add(variant, "Big")).state is DONE
    assert hub.contents(names[0]) == []
    assert hub.sent(names[1]) == len(other)
    asked = len(hub.asked)
    assert ended(queue, queue.add(variant, "Big")).state is DONE
    assert len(hub.asked) == asked


def test_the_same_variant_is_one_entry(hub, queue, data):
    variant = put(hub, {FILE: data})
    hub.fail(REPOSITORY, FILE, Fault(stall_after=CUT))
    first = queue.add(variant, "Small")
    assert queue.add(variant, "Small") == first
    assert len(queue.snapshot()) == 1


def test_the_proxy_of_the_environment_is_used(hub, queue, data, monkeypatch):
    variant = put(hub, {FILE: data})
    monkeypatch.setenv("HF_ENDPOINT", "http://hub.invalid")
    monkeypatch.setenv("HTTP_PROXY", hub.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert ended(queue, queue.add(variant, "Small")).state is DONE
    assert hub.asked[0].headers["host"] == "hub.invalid"


@pytest.mark.skipif(shutil.which("openssl") is None, reason="certificates are made by openssl")
def test_a_company_s_own_certificates_are_trusted_where_it_says_so(queue, data, tmp_path, monkeypatch):
    key, certificate, both = (tmp_path / name for name in ("key.pem", "certificate.pem", "both.pem"))
    make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    name = ["-subj", "/CN=Company", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
    subprocess.run(
        [*make, *name, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True
    )
    both.write_bytes(key.read_bytes() + certificate.read_bytes())
    for variable in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(variable, raising=False)
    with HubServer(both) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        id_ = queue.add(put(hub, {FILE: data}), "Small")
        download = ended(queue, id_)
        assert download.state is FAILED
        assert "certificate" in download.error
        assert hub.asked == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        queue.retry(id_)
        assert ended(queue, id_).state is DONE
        assert hub.url.startswith("https")


# Connections


def test_a_connection_that_breaks_goes_on_where_it_was(hub, queue, paths, data):
    variant = put(hub, {FILE: data})
    hub.fail(REPOSITORY, FILE, Fault(cut_after=CUT))
    assert ended(queue, queue.add(variant, "Small")).state is DONE
    first, second = hub.contents(FILE)
    assert first.first_byte == 0
    assert CUT - LOST <= second.first_byte <= CUT
    assert second.sent == len(data) - second.first_byte
    assert in_library(paths) == {f"{REPOSITORY}/{FILE}": data}


def test_a_connection_that_always_breaks_gets_there_piece_by_piece(hub, queue, paths, data):
    variant = put(hub, {FILE: data})
    hub.fail(REPOSITORY, FILE, Fault(cut_after=CUT // 2, times=None))
    download = ended(queue, queue.add(variant, "Small"))
    assert download.state is DONE, download
    assert len(hub.contents(FILE)) > QUICK.tries  # bytes that arrive give new patience
    assert in_library(paths) == {f"{REPOSITORY}/{FILE}": data}


def test_a_connection_that_brings_nothing_is_given_up(hub, queue, paths, data):
    variant = put(hub, {FILE: data})
    hub.fail(REPOSITORY, FILE, Fault(cut_after=0, times=None))
    id_ = queue.add(variant, "Small")
    download = ended(queue, id_)
    assert download.state is FAILED
    assert "broke off" in download.error
    assert len(hub.contents(FILE)) == QUICK.tries
    assert "Signature" not in download.detail
    hub.heal()
    queue.retry(id_)
    assert ended(queue, id_).state is DONE


def test_a_hub_that_is_not_there(queue, data, hub, monkeypatch):
    variant = put(hub, {FILE: data})
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    download = ended(queue, queue.add(variant, "Small"))
    assert download.state is FAILED
    assert "could not be reached" in download.error


def test_a_stalled_connection_is_broken_off_and_goes_on(hub, queue, data, monkeypatch):
    monkeypatch.setenv("HF_HUB_DOWNLOAD_TIMEOUT", "1")
    variant = put(hub, {FILE: data})
    hub.fail(REPOSITORY, FILE, Fault(stall_after=CUT))
    assert ended(queue, queue.add(variant, "Small")).state is DONE
    assert hub.contents(FILE)[1].first_byte >= CUT - LOST


def test_slow_bytes_have_a_speed_and_a_time_left(hub, queue, data):
    variant = put(hub, {FILE: data})
    hub.fail(REPOSITORY, FILE, Fault(bytes_per_second=SLOW))
    id_ = queue.add(variant, "Small")
    until(lambda: (shown(queue, id_).speed or 0) > 0)
    now = shown(queue, id_)
    assert now.seconds_left is not None
    assert SLOW / 4 < now.speed < SLOW * 4
    assert 0 < now.seconds_left < 60


# Pause, cancel, kill


def test_a_pause_is_at_once_and_a_resume_fetches_the_rest(hub, queue, paths, data):
    variant = put(hub, {FILE: data})
    hub.fail(REPOSITORY, FILE, Fault(stall_after=CUT))
    id_ = queue.add(variant, "Small")
    until(lambda: shown(queue, id_).done >= CUT - LOST)
    (worker,) = workers()
    began = time.monotonic()
    queue.pause(id_)
    assert shown(queue, id_).state is PAUSED
    until(lambda: not is_alive(worker))
    assert time.monotonic() - began < 1.0
    kept = staged(paths)
    queue.resume(id_)
    assert ended(queue, id_).state is DONE
    assert hub.contents(FILE)[1].first_byte == kept
    assert hub.contents(FILE)[1].sent == len(data) - kept


def test_a_cancel_leaves_nothing_within_a_second(hub, queue, paths, data):
    variant = put(hub, {FILE: data})
    hub.fail(REPOSITORY, FILE, Fault(stall_after=CUT))
    id_ = queue.add(variant, "Small")
    until(lambda: staged(paths) >= CUT - LOST)
    began = time.monotonic()
    queue.cancel(id_)
    assert queue.snapshot() == ()
    until(lambda: nothing_staged(paths) and not workers())
    assert time.monotonic() - began < 1.0
    assert in_library(paths) == {}


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_worker_that_is_killed_is_an_interruption(hub, queue, paths, data):
    variant = put(hub, {FILE: data})
    hub.fail(REPOSITORY, FILE, Fault(stall_after=CUT))
    id_ = queue.add(variant, "Small")
    until(lambda: staged(paths) >= CUT - LOST)
    workers()[0].send_signal(signal.SIGKILL)
    assert ended(queue, id_).state is DONE
    assert hub.contents(FILE)[1].first_byte >= CUT - LOST


APP = """
import sys
from app.domain.hub import Variant
from app.domain.variant_record import variant_of
from app.services.download_queue import DownloadQueue
from app.storage.paths import Paths
import json

queue = DownloadQueue(Paths.find(), lambda: None, lambda: False)
queue.add(variant_of(json.loads(sys.argv[1])), "Split")
sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_the_app_is_killed_and_the_next_one_goes_on(hub, queues, paths, data):
    """No worker stays behind; a file that was whole is not fetched again, the other from where it was."""
    from app.domain.variant_record import record_of

    names = ["Big-00001-of-00002.gguf", "Big-00002-of-00002.gguf"]
    other = small_gguf(seed=1)
    variant = put(hub, dict(zip(names, (data, other), strict=True)))
    hub.fail(REPOSITORY, names[1], Fault(stall_after=CUT))
    with subprocess.Popen(
        [sys.executable, "-c", APP, json.dumps(record_of(variant))], cwd=ROOT, stdin=subprocess.PIPE
    ) as app:
        try:
            until(lambda: staged(paths) >= len(data) + CUT - LOST)
            (worker,) = workers(app.pid)
        finally:
            app.kill()
    until(lambda: not is_alive(worker))
    kept = staged(paths) - len(data)
    assert in_library(paths) == {}
    queue = queues()
    queue.restore()
    until(lambda: queue.snapshot())
    assert queue.snapshot()[0].name == "Split"
    assert ended(queue, queue.snapshot()[0].id).state is DONE
    assert hub.sent(names[0]) == len(data)
    assert [asked.first_byte for asked in hub.contents(names[1])] == [0, kept]
    assert in_library(paths) == {f"{REPOSITORY}/{names[0]}": data, f"{REPOSITORY}/{names[1]}": other}


def test_what_was_paused_or_failed_waits_for_a_person_after_a_restart(hub, queues, data):
    variant = put(hub, {FILE: data})
    gone = put(hub, {FILE: data}, "owner/Gone-GGUF")
    del hub.repositories["owner/Gone-GGUF"]
    hub.fail(REPOSITORY, FILE, Fault(stall_after=CUT))
    first = queues()
    paused, failed = first.add(variant, "Paused"), first.add(gone, "Gone")
    until(lambda: shown(first, paused).done >= CUT - LOST)
    first.pause(paused)
    assert ended(first, failed).state is FAILED
    until(lambda: '"paused": true' in "".join(p.read_text() for p in first._paths.incoming.rglob("*.json")))
    first.close()
    second = queues()
    second.restore()
    until(lambda: len(second.snapshot()) == 2)
    again = {download.name: download for download in second.snapshot()}
    assert again["Paused"].state is PAUSED
    assert again["Paused"].done >= CUT - LOST
    assert again["Gone"].state is FAILED
    assert again["Gone"].error
    asked = len(hub.asked)
    second.resume(again["Paused"].id)
    assert ended(second, again["Paused"].id).state is DONE
    assert len(hub.asked) == asked + 2


def test_folders_that_nobody_owns_are_swept_away(hub, queue, paths):
    stray = paths.incoming / ("0" * 16)
    stray.mkdir(parents=True)
    (stray / "0000.part").write_bytes(b"x")
    other = paths.incoming / "import-1"  # of something else
    other.mkdir()
    queue.restore()
    until(lambda: not stray.exists())
    assert other.exists()


# What the hub says no to


@pytest.mark.parametrize(("token", "status"), [(None, 401), ("hf_notgranted", 403)])
def test_a_gated_repository_wants_a_token(hub, queues, paths, data, token, status):
    hub.tokens = {"hf_notgranted": set(), "hf_granted": {REPOSITORY}}
    variant = put(hub, {FILE: data}, gated="manual")
    queue = queues(token=token)
    id_ = queue.add(variant, "Gated")
    download = ended(queue, id_)
    assert download.state is FAILED
    assert download.needs_token
    assert REPOSITORY in download.error
    assert [asked.status for asked in hub.asked] == [status]  # asked once: it will not change by itself
    assert in_library(paths) == {}


def test_a_granted_token_opens_and_reaches_nobody_else(hub, queues, paths, data):
    hub.tokens = {"hf_granted": {REPOSITORY}}
    variant = put(hub, {FILE: data, "config.json": b"{}"}, gated="auto")
    hub.fail(REPOSITORY, FILE, Fault(stall_after=CUT))
    queue = queues(token="hf_granted")
    id_ = queue.add(variant, "Gated")
    until(lambda: staged(paths) >= CUT - LOST)
    (worker,) = workers()
    assert "hf_granted" not in " ".join(worker.cmdline())
    assert "hf_granted" not in " ".join(worker.environ().values())
    kept = [path.read_bytes() for path in paths.home.rglob("*") if path.is_file()]
    assert not any(b"hf_granted" in content or b"Signature" in content for content in kept)
    queue.pause(id_)
    queue.resume(id_)
    assert ended(queue, id_).state is DONE
    assert all(
        asked.headers.get("authorization") == "Bearer hf_granted"
        for asked in hub.asked
        if asked.host == "hub"
    )
    assert not any("authorization" in asked.headers for asked in hub.asked if asked.host == "cdn")


@pytest.mark.parametrize("missing", ["repository", "file"])
def test_what_is_not_there_says_so(hub, queues, data, missing):
    hub.tokens = {"hf_known": set()}
    variant = put(hub, {FILE: data})
    if missing == "repository":
        del hub.repositories[REPOSITORY]
    else:
        del hub.repositories[REPOSITORY].blobs[FILE]
    queue = queues(token="hf_known")
    download = ended(queue, queue.add(variant, "Gone"))
    assert download.state is FAILED
    assert REPOSITORY in download.error
    assert not download.needs_token
    assert [asked.status for asked in hub.asked] == [404]


@pytest.mark.parametrize("where", ["resolve", "content"])
def test_too_many_requests_are_waited_for_as_asked(hub, queue, data, where):
    variant = put(hub, {FILE: data})
    hub.fail(REPOSITORY, FILE, Fault(where=where, status=429, headers={"Retry-After": "2"}))
    id_ = queue.add(variant, "Small")
    until(lambda: shown(queue, id_).state is RETRYING)
    began = time.monotonic()
    seen = []
    while shown(queue, id_).state is RETRYING:
        seen.append(shown(queue, id_).retry_in_s)
        assert "asks to wait" in shown(queue, id_).error
        threading.Event().wait(0.05)
    assert 1.0 < seen[0] <= 2.0
    assert seen == sorted(seen, reverse=True)  # it is counted down
    assert ended(queue, id_).state is DONE
    assert time.monotonic() - began > 1.0


@pytest.mark.parametrize("where", ["resolve", "content"])
def test_a_hub_in_trouble_is_tried_again(hub, queue, paths, data, where):
    variant = put(hub, {FILE: data})
    hub.fail(REPOSITORY, FILE, Fault(where=where, status=502, times=2))
    assert ended(queue, queue.add(variant, "Small")).state is DONE
    assert in_library(paths) == {f"{REPOSITORY}/{FILE}": data}


def test_a_hub_that_stays_in_trouble_is_given_up(hub, queue, data):
    variant = put(hub, {FILE: data})
    hub.fail(REPOSITORY, FILE, Fault(where="resolve", status=500, times=None))
    download = ended(queue, queue.add(variant, "Small"))
    assert download.state is FAILED
    assert "trouble" in download.error
    assert len(hub.asked) == QUICK.tries


@pytest.mark.parametrize("where", ["resolve", "content"])
def test_redirects_in_a_circle_end(hub, queue, data, where):
    variant = put(hub, {FILE: data})
    hub.fail(REPOSITORY, FILE, Fault(where=where, circle=True, times=None))
    download = ended(queue, queue.add(variant, "Small"))
    assert download.state is FAILED
    assert "circles" in download.error
    assert len(hub.asked) < 100


def test_a_signed_link_that_ran_out_is_asked_for_anew(hub, queue, data):
    variant = put(hub, {FILE: data})
    hub.fail(REPOSITORY, FILE, Fault(where="resolve", expired=True))
    assert ended(queue, queue.add(variant, "Small")).state is DONE
    assert [(asked.host, asked.status) for asked in hub.asked] == [
        ("hub", 302), ("cdn", 403), ("hub", 302), ("cdn", 200),
    ]  # fmt: skip


# What arrives is not what it should be


def spoil(content: bytes) -> bytes:
    return content[:-1000] + bytes(byte ^ 1 for byte in content[-1000:])


def test_wrong_bytes_are_fetched_once_more(hub, queue, paths, data):
    variant = put(hub, {FILE: data})
    hub.fail(REPOSITORY, FILE, Fault(change=spoil))
    assert ended(queue, queue.add(variant, "Small")).state is DONE
    assert [asked.first_byte for asked in hub.contents(FILE)] == [0, 0]
    assert in_library(paths) == {f"{REPOSITORY}/{FILE}": data}


def test_bytes_that_stay_wrong_never_reach_the_library(hub, queue, paths, data):
    variant = put(hub, {FILE: data, "config.json": b"{}"})
    hub.fail(REPOSITORY, FILE, Fault(change=spoil, times=None))
    download = ended(queue, queue.add(variant, "Small"))
    assert download.state is FAILED
    assert "damaged" in download.error
    assert len(hub.contents(FILE)) == 2
    assert in_library(paths) == {}
    assert staged(paths) == 0


def test_wrong_bytes_of_a_small_file_are_noticed_by_git_s_hash(hub, queue, paths):
    variant = put(hub, {"config.json": b'{"a": 1}', "model.safetensors": b"x" * 100})
    hub.fail(REPOSITORY, "config.json", Fault(change=lambda content: content[::-1], times=None))
    download = ended(queue, queue.add(variant, "Small"))
    assert download.state is FAILED
    assert "damaged" in download.error
    assert in_library(paths) == {}


@pytest.mark.parametrize("change", [lambda d: d[:-100], lambda d: d + b"more"], ids=["shorter", "longer"])
def test_a_wrong_length_is_refused_before_it_spoils_anything(hub, queue, paths, data, change):
    variant = put(hub, {FILE: data})
    hub.fail(REPOSITORY, FILE, Fault(cut_after=CUT))
    hub.fail(REPOSITORY, FILE, Fault(change=change, times=None))
    id_ = queue.add(variant, "Small")
    download = ended(queue, id_)
    assert download.state is FAILED
    assert "another file" in download.error
    assert in_library(paths) == {}
    kept = staged(paths)
    assert CUT - LOST <= kept <= CUT
    hub.heal()
    queue.retry(id_)
    assert ended(queue, id_).state is DONE
    assert hub.contents(FILE)[-1].first_byte == kept


def test_a_range_that_is_refused_begins_anew(hub, queue, paths, data):
    variant = put(hub, {FILE: data})
    hub.fail(REPOSITORY, FILE, Fault(cut_after=CUT))
    hub.fail(REPOSITORY, FILE, Fault(status=416))
    assert ended(queue, queue.add(variant, "Small")).state is DONE
    assert [asked.first_byte > 0 for asked in hub.contents(FILE)] == [False, True, False]
    assert in_library(paths) == {f"{REPOSITORY}/{FILE}": data}


def test_a_file_that_changed_on_the_hub_is_not_mixed(hub, queue, paths, data):
    variant = put(hub, {FILE: data})
    put(hub, {FILE: small_gguf(seed=5)})
    download = ended(queue, queue.add(variant, "Small"))
    assert download.state is FAILED
    assert "by now" in download.error
    assert in_library(paths) == {}


def test_a_file_that_is_no_model_stays_out(hub, queue, paths):
    variant = put(hub, {FILE: b"<html>not a model</html>" * 1000})
    download = ended(queue, queue.add(variant, "Small"))
    assert download.state is FAILED
    assert "no model that can be read" in download.error
    assert in_library(paths) == {}
    assert [path for path in paths.models.rglob("*") if path.suffix in (".part", ".whole")] == []
    queue.retry(download.id)
    assert ended(queue, download.id).state is FAILED
    assert len(hub.contents(FILE)) == 2, "what was no model is asked for anew"


@pytest.mark.parametrize(
    "path", ["../../evil.gguf", "/etc/evil.gguf", "a/../../b.gguf", "C:\\evil.gguf", ".x.gguf"]
)
def test_a_hostile_name_is_never_asked_for(hub, queue, paths, path):
    variant = Variant(REPOSITORY, "main", Format.GGUF, "", (HubFile(path, 1000, "0" * 64),))
    download = ended(queue, queue.add(variant, "Evil"))
    assert download.state is FAILED
    assert "overwrite" in download.error
    assert hub.asked == []


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
@pytest.mark.parametrize("link", ["owner", REPOSITORY, f"{REPOSITORY}/{FILE}"])
def test_nothing_is_written_through_a_link(hub, queue, paths, data, tmp_path, link):
    outside = tmp_path / "outside"
    outside.mkdir()
    (paths.models / link).parent.mkdir(parents=True)
    (paths.models / link).symlink_to(outside if "." not in link else outside / "file")
    download = ended(queue, queue.add(put(hub, {FILE: data}), "Small"))
    assert download.state is FAILED
    assert "is a link" in download.error
    assert not any(outside.iterdir())
    assert hub.asked == []


# The disk


def test_too_little_space_is_said_before_anything_is_fetched(hub, queue, data, monkeypatch):
    monkeypatch.setattr(download_queue, "RESERVE", 1 << 60)
    variant = put(hub, {FILE: data})
    id_ = queue.add(variant, "Small")
    download = ended(queue, id_)
    assert download.state is FAILED
    assert "too full" in download.error
    assert hub.contents(FILE) == []
    monkeypatch.setattr(download_queue, "RESERVE", 0)
    queue.retry(id_)
    assert ended(queue, id_).state is DONE


@pytest.fixture
def small_disk(paths, tmp_path):
    """A file system of 4 MB for the models; a real one, and so only where we may mount."""
    paths.models.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(paths.models)]
    if sys.platform != "linux" or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting takes Linux and root")
    yield paths.models
    subprocess.run(["umount", "-l", str(paths.models)], check=True)


def test_a_disk_that_fills_up_meanwhile(small_disk, hub, queues, paths, data, monkeypatch):
    monkeypatch.setattr(download_queue, "RESERVE", 0)
    variant = put(hub, {FILE: data})
    hub.fail(REPOSITORY, FILE, Fault(bytes_per_second=2 * SLOW))
    queue = queues()
    id_ = queue.add(variant, "Small")
    until(lambda: staged(paths) > 0)
    hog = small_disk / "hog"
    hog.write_bytes(b"x" * 2_300_000)
    download = ended(queue, id_)
    assert download.state is FAILED
    assert "full" in download.error
    kept = staged(paths)
    assert kept > 0
    hog.unlink()
    hub.heal()
    queue.retry(id_)
    assert ended(queue, id_).state is DONE
    assert hub.contents(FILE)[-1].first_byte == kept


# The offline switch


def test_offline_nothing_is_attempted(hub, queues, data):
    switch = {"off": True}
    queue = queues(offline=lambda: switch["off"])
    id_ = queue.add(put(hub, {FILE: data}), "Small")
    download = ended(queue, id_)
    assert (download.state, download.error) == (PAUSED, OFFLINE)
    queue.resume(id_)
    until(lambda: shown(queue, id_).state is PAUSED)
    assert not workers()
    assert hub.connections == 0
    switch["off"] = False
    until(lambda: shown(queue, id_).state is DONE)


def test_the_switch_stops_what_runs_and_it_goes_on_later(hub, queues, paths, data):
    switch = {"off": False}
    queue = queues(offline=lambda: switch["off"])
    hub.fail(REPOSITORY, FILE, Fault(stall_after=CUT))
    id_ = queue.add(put(hub, {FILE: data}), "Small")
    until(lambda: staged(paths) >= CUT - LOST)
    switch["off"] = True
    until(lambda: shown(queue, id_).state is PAUSED)
    until(lambda: not workers())
    connections = hub.connections
    switch["off"] = False
    until(lambda: shown(queue, id_).state is DONE)
    assert hub.connections > connections
    assert hub.contents(FILE)[1].first_byte >= CUT - LOST
