import pytest

from app.domain.errors import AccessDenied, DownloadDamaged, HubError, HubUnreachable, ModelFileError
from app.domain.hub import Access, Format, HubFile, HubRepository, Variant
from app.models import remote_file
from app.models.gguf_header import read_header
from app.models.hub import Hub
from app.models.remote_file import CHUNK, FIRST_CHUNK, RemoteFile, file_url, read_remote_header
from app.models.variants import variants_of
from tests.hub_server import Fault, HubServer
from tests.unit.models.gguf_writer import ARRAY, I32, STRING, U32, Array, GgufWriter, llama

NAME = "maker/Model-GGUF"


@pytest.fixture
def hub():
    with HubServer() as server:
        yield server


def variant(server, token=None):
    return variants_of(Hub(server.url, token).repository(NAME))[0]


def header(server, token=None):
    return Hub(server.url, token).header(variant(server, token))


def test_the_starter_models_header_takes_a_few_requests(hub, starter_model):
    hub.add(NAME, {"SmolLM2-135M-Instruct.Q4_1.gguf": starter_model})
    local = read_header(starter_model)
    assert header(hub) == local
    requests = hub.contents("SmolLM2-135M-Instruct.Q4_1.gguf")
    at_the_cdn = [asked for asked in requests if asked.host == "cdn"]
    sent = sum(asked.sent for asked in at_the_cdn)
    # The first 256 KiB, then 1 MiB each: no more than one chunk beyond the header's end.
    assert sent <= local.data_offset + CHUNK
    assert len(at_the_cdn) == 1 + -(-(local.data_offset - FIRST_CHUNK) // CHUNK)
    assert [asked.first_byte for asked in at_the_cdn[:3]] == [0, FIRST_CHUNK, FIRST_CHUNK + CHUNK][
        : len(at_the_cdn)
    ]


def test_a_small_file_takes_one_request(hub):
    content = llama(GgufWriter()).header() + bytes(10_000)
    hub.add(NAME, {"Model 家-Q8_0.gguf": content})
    assert header(hub).architecture == "llama"
    assert len([a for a in hub.contents("Model 家-Q8_0.gguf") if a.host == "cdn"]) == 1


def test_what_a_header_skips_is_not_fetched(hub):
    vocabulary = Array(I32, tuple(range(2_000_000)))  # 8 MB of numbers
    content = GgufWriter().add("a", ARRAY, vocabulary).add("after", U32, 7).header()
    hub.add(NAME, {"m-Q8_0.gguf": content})
    assert header(hub).metadata["after"] == 7
    assert hub.sent("m-Q8_0.gguf") < 2 * CHUNK


def test_a_split_model_has_the_tensors_of_all_parts(hub):
    first = llama(GgufWriter().add("split.count", U32, 2)).header()
    second = GgufWriter().add("split.no", U32, 1).tensor("late.weight", (32, 2), 0, 0).header()
    hub.add(NAME, {"m-Q8_0-00002-of-00002.gguf": second, "m-Q8_0-00001-of-00002.gguf": first})
    got = header(hub)
    assert got.architecture == "llama"
    assert [tensor.name for tensor in got.tensors] == ["token_embd.weight", "output.weight", "late.weight"]
    assert "split.no" not in got.metadata


def test_a_gated_repository_needs_the_right_token(hub):
    hub.add(NAME, {"m-Q8_0.gguf": llama(GgufWriter()).header()}, gated="manual")
    hub.tokens = {"hf_granted": {NAME}, "hf_stranger": set()}
    with pytest.raises(AccessDenied, match=f"Ask for it on its page: {hub.url}/{NAME}"):
        header(hub)
    with pytest.raises(AccessDenied, match="not granted access"):
        header(hub, "hf_stranger")
    with pytest.raises(AccessDenied, match="does not accept"):
        header(hub, "hf_wrong")
    assert header(hub, "hf_granted").architecture == "llama"
    assert all("authorization" not in asked.headers for asked in hub.asked if asked.host == "cdn")


def test_an_expired_link(hub):
    hub.add(NAME, {"m-Q8_0.gguf": llama(GgufWriter()).header()})
    hub.fail(NAME, "m-Q8_0.gguf", Fault("resolve", expired=True))
    with pytest.raises(HubUnreachable, match="no longer valid"):
        header(hub)
    assert header(hub).architecture == "llama"


def test_another_size_than_announced(hub):
    hub.add(NAME, {"m-Q8_0.gguf": llama(GgufWriter()).header()})
    hub.fail(NAME, "m-Q8_0.gguf", Fault(change=lambda data: data + b"more"))
    with pytest.raises(DownloadDamaged, match="another file than it announced"):
        header(hub)


def test_what_is_no_model_file(hub):
    hub.add(NAME, {"m-Q8_0.gguf": b"<html>not here</html>" * 100})
    with pytest.raises(ModelFileError, match="is not a GGUF model file"):
        header(hub)


def test_a_header_without_an_end_is_not_followed(hub, monkeypatch):
    monkeypatch.setattr(remote_file, "MOST_READ", 3 * CHUNK)
    texts = Array(STRING, ("x" * 1000,) * 10_000)
    hub.add(NAME, {"m-Q8_0.gguf": GgufWriter().add("a", ARRAY, texts).header()})
    with pytest.raises(HubError, match="too long to be right"):
        header(hub)
    assert hub.sent("m-Q8_0.gguf") <= 3 * CHUNK


def test_a_size_that_nobody_told_is_asked_for_with_the_first_bytes(hub):
    content = bytes(range(256)) * 2000
    hub.add(NAME, {"m.gguf": content})
    url = file_url(hub.url, NAME, "main", "m.gguf")
    file = RemoteFile(url, NAME, token=None)
    assert file.size == len(content)
    assert file.read(0, CHUNK) == content[:FIRST_CHUNK]
    assert file.read(100, 50) == content[100:150]
    assert file.requests == 1
    assert file.read(FIRST_CHUNK, 2 * CHUNK) == content[FIRST_CHUNK:]
    assert file.requests == 2


def test_safetensors_have_no_such_header(hub):
    safetensors = Variant(NAME, "0" * 40, Format.SAFETENSORS, "", (HubFile("model.safetensors"),))
    with pytest.raises(HubError, match="holds no GGUF file"):
        read_remote_header(safetensors, endpoint=hub.url, token=None)
    assert hub.asked == []


def test_a_model_in_very_many_parts_is_not_looked_into(hub):
    files = tuple(HubFile(f"m-{number:05}-of-00500.gguf", 1) for number in range(1, 501))
    with pytest.raises(HubError, match="too many parts"):
        read_remote_header(Variant(NAME, "0" * 40, Format.GGUF, "", files), endpoint=hub.url, token=None)
    assert hub.asked == []


@pytest.mark.parametrize(
    ("repository", "revision", "path"),
    [("../x", "main", "a.gguf"), (NAME, "../x", "a.gguf"), (NAME, "main", "../a.gguf"), (NAME, "main", "/a")],
)
def test_no_address_is_made_of_hostile_names(repository, revision, path):
    with pytest.raises(HubError):
        file_url("https://hub.example", repository, revision, path)


def test_addresses_are_those_of_the_library():
    from huggingface_hub import hf_hub_url

    for path in ("a b/Modell 家 (1)+~'&=.gguf", "x#y%41.gguf"):
        ours = file_url("https://hub.example", NAME, "refs/pr/1", path)
        assert ours == hf_hub_url(NAME, path, revision="refs/pr/1", endpoint="https://hub.example")


def test_a_repository_of_hostile_names_has_nothing_to_read():
    files = (HubFile("m-Q8_0-00001-of-00002.gguf"),)
    assert variants_of(HubRepository(NAME, "0" * 40, Access.OPEN, files)) == ()
