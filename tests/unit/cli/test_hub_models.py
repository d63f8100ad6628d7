"""`edgewise models search`, `show` and `refresh` as a person runs them, with a loopback hub."""

import json
import os
import subprocess
import sys

import pytest

from app.cli.hub_models import _ago
from app.models.catalog import catalog
from app.services.hub_access import HubAccess
from app.storage.paths import Paths
from app.storage.settings import Settings, save_settings
from tests.hub_server import Fault, HubServer

NAME = "maker/Model-GGUF"


@pytest.fixture
def hub(empty_home, monkeypatch):
    with HubServer() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        monkeypatch.delenv("HF_TOKEN", raising=False)
        server.add(
            NAME,
            {
                "m-Q8_0.gguf": bytes(2_000_000),
                "m-Q4_0.gguf": bytes(1_000_000),
                "mmproj-F16.gguf": bytes(500_000),
            },
            downloads=1234,
            gguf={"total": 135_000_000},
            cardData={"license": "apache-2.0"},
        )
        server.add("maker/Model", {"config.json": b"{}", "model.safetensors": b"1"}, gated="manual")
        yield server


def edgewise(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "app", "models", *arguments],
        stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", timeout=60, check=False,
        env={**os.environ, "PYTHONUTF8": "1"},
    )  # fmt: skip


def test_a_search(hub):
    done = edgewise("search", "model")
    assert (done.returncode, done.stderr) == (0, "")
    head, first, second = done.stdout.splitlines()
    assert head.split() == ["Repository", "Format", "Licence", "Parameters", "Downloads", "Updated"]
    assert first.split() == [NAME, "GGUF", "apache-2.0", "135", "M", "1,234", "2026-09-01"]
    assert second.split() == ["maker/Model", "safetensors", "–", "(gated)", "–", "0", "2026-09-01"]


def test_a_search_for_a_program(hub):
    done = edgewise("search", "mod", "--format", "safetensors", "--sort", "likes", "--limit", "5", "--json")
    assert json.loads(done.stdout) == [
        {
            "repository": "maker/Model", "formats": ["safetensors"], "access": "gated", "downloads": 0,
            "likes": 0, "licence": None, "parameters": None, "updated": "2026-09-01",
        }
    ]  # fmt: skip
    assert hub.asked[0].query["sort"] == ["likes"]


def test_a_search_that_finds_nothing(hub):
    done = edgewise("search", "no", "such", "model")
    assert done.returncode == 0
    assert "no such model" in done.stdout
    assert hub.asked[0].query["search"] == ["no such model"]


def test_what_a_repository_offers(hub):
    done = edgewise("show", NAME)
    assert (done.returncode, done.stderr) == (0, "")
    head, *offers = done.stdout.splitlines()
    assert head == f"{NAME}, licence: apache-2.0"
    assert [offer.split() for offer in offers] == [
        ["Q8_0", "GGUF", "2.5", "MB", "2", "files", "sees", "images"],
        ["Q4_0", "GGUF", "1.5", "MB", "2", "files", "sees", "images"],
    ]


def test_what_a_repository_offers_to_a_program(hub):
    said = json.loads(edgewise("show", NAME, "--json").stdout)
    assert [(v["label"], v["size"]) for v in said["variants"]] == [("Q8_0", 2_500_000), ("Q4_0", 1_500_000)]
    assert said["variants"][0]["projector"]["path"] == "mmproj-F16.gguf"
    assert len(said["revision"]) == 40


def test_offline_nothing_is_asked(hub):
    paths = Paths.find()
    paths.create()
    HubAccess(paths, lambda: False).repository(NAME)
    asked = len(hub.asked)
    save_settings(paths.settings, Settings(offline=True))
    done = edgewise("search", "model")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Edgewise is offline")
    assert NAME in edgewise("show", NAME).stdout
    assert len(hub.asked) == asked


def test_an_old_answer_says_so(hub):
    paths = Paths.find()
    paths.create()
    HubAccess(paths, lambda: False).repository(NAME)
    (file,) = paths.hub_cache.iterdir()
    file.write_text(json.dumps(json.loads(file.read_text()) | {"at": 1.5e9}))
    hub.fail(NAME, "", Fault("api", status=503))
    done = edgewise("show", NAME)
    assert done.returncode == 0
    assert "trouble of its own" in done.stderr
    assert "days ago" in done.stderr
    assert "Q8_0" in done.stdout
    file.write_text(json.dumps(json.loads(file.read_text()) | {"at": "never"}))
    hub.fail(NAME, "", Fault("api", status=503))
    said = edgewise("show", NAME, "--json")
    assert "at some time" in said.stderr
    assert json.loads(said.stdout, parse_constant=pytest.fail)["age_s"] is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("show", "maker/None"), "no maker/None on the hub"),
        (("show", "../../etc"), "not the name of a repository"),
    ],
)
def test_failures_are_one_sentence(hub, arguments, said):
    done = edgewise(*arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_details_stand_behind_verbose(hub):
    assert "HTTP 401" in edgewise("show", "maker/None", "--verbose").stderr


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "just now"), (61, "1 minute ago"), (7200, "2 hours ago"), (90_000, "1 day ago"),
     (float("inf"), "at some time")],
)  # fmt: skip
def test_ages(seconds, words):
    assert _ago(seconds) == words


def test_the_catalog_is_looked_up_and_known_offline(hub):
    for model in catalog():
        hub.add(model.repository, {f"m-{model.quantizations[-1]}.gguf": b"1"})
        hub.add(model.original, {"config.json": b"{}", "model.safetensors": b"1"})
    done = edgewise("refresh", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {"known": 2 * len(catalog()), "failures": {}}
    save_settings(Paths.find().settings, Settings(offline=True))
    before = hub.connections
    shown = edgewise("show", catalog()[0].id)
    assert shown.returncode == 0
    assert catalog()[0].quantizations[-1] in shown.stdout
    assert hub.connections == before


def test_what_could_not_be_looked_up_is_told(hub):
    done = edgewise("refresh")
    assert done.returncode == 1
    assert "The files of 0 repositories are known" in done.stdout
    assert done.stderr.strip()
