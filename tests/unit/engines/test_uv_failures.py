"""What uv 0.13 says of failures, as recorded, becomes a sentence that names what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.domain.errors import DiskFull, InstallFailed
from app.engines.uv_failures import explain, lacks_version, without_passwords

BEGIN = "Using Python 3.11.7 environment at: v\n"
NO_SOLUTION = f"{BEGIN}error: No solution found when resolving dependencies\n  cause: Because "
UNSATISFIABLE = ", we can conclude that your requirements are unsatisfiable.\n"
ADDRESS = "https://mirror.example:8080/simple/idna/"
FETCH = f"{BEGIN}error: Failed to fetch: {ADDRESS}\n"
SENDING = f"{FETCH}  cause: error sending request for url ({ADDRESS})\n  cause: client error (Connect)\n"
SAID = [
    (SENDING + "  cause: dns error\n  cause: error resolving DNS\n", "mirror.example:8080 cannot be reached"),
    (SENDING + "  cause: tcp connect error\n  cause: Connection refused\n", "mirror.example:8080 cannot be"),
    (FETCH + f"  cause: request or response body error for url ({ADDRESS})\n  cause: operation timed out\n",
     "mirror.example:8080 cannot be reached"),
    (SENDING + "  cause: invalid peer certificate: UnknownIssuer\n",
     "certificate of mirror.example:8080 is not trusted here"),
    (SENDING + "  cause: tunnel error: failed to create underlying connection\n  cause: tcp connect error\n",
     "the proxy between here and the package index refuses"),
    (FETCH + f"  cause: HTTP status client error (407 Proxy Authentication Required) for url ({ADDRESS})\n",
     "the proxy between here"),
    (FETCH + f"  cause: HTTP status server error (503 Service Unavailable) for url ({ADDRESS})\n",
     "mirror.example:8080 did not give what was asked for"),
    (NO_SOLUTION + "idna was not found in the package registry and you require idna" + UNSATISFIABLE
     + "\nhint: An index URL (https://mirror.example/simple) could not be queried due to a lack of valid "
     "authentication credentials (401 Unauthorized)\n", "mirror.example wants a name and a password"),
    (NO_SOLUTION + "idna was not found in the package registry and you require idna" + UNSATISFIABLE
     + "\nhint: An index (https://mirror.example/simple) returned a 403 Forbidden error.",
     "mirror.example refuses to give it"),
    (NO_SOLUTION + "idna was not found in the package registry and you require idna" + UNSATISFIABLE,
     "your package index has no idna for"),
    (NO_SOLUTION + "there is no version of torch==2.13.0+cpu and you require it" + UNSATISFIABLE,
     "has no torch==2.13.0+cpu for"),
    (NO_SOLUTION + "vllm==1.0.0 has no usable wheels and you require vllm==1.0.0" + UNSATISFIABLE,
     "has no vllm==1.0.0 for this system and Python"),
    (NO_SOLUTION + "torch{platform_machine == 'x86_64'}==2.13.0 has no wheels with a matching Python ABI tag",
     "has no torch==2.13.0 for"),
    (NO_SOLUTION + "idna was not found in the cache and you require idna" + UNSATISFIABLE
     + "\nhint: Packages were unavailable because the network was disabled.", "the network is switched off"),
    (f"{BEGIN}error: Failed to download `torch==2.13.0`\n  cause: Hash mismatch for `torch==2.13.0`\n",
     "torch arrived damaged"),
    (f"{BEGIN}error: failed to open file `x`\n  cause: Permission denied (os error 13)\n",
     "does not allow writing"),
    ("error: something new\n", "uv, which installs it, failed"),
]  # fmt: skip


@pytest.mark.parametrize(("output", "words"), SAID, ids=[words for _, words in SAID])
def test_what_is_said(output: str, words: str, tmp_path: Path) -> None:
    error = explain("vLLM", output, tmp_path, None)
    assert isinstance(error, InstallFailed)
    assert error.message.startswith("vLLM was not installed: ")
    assert words in error.message
    assert error.detail == output


def test_a_full_disk_is_one(tmp_path: Path) -> None:
    output = f"{BEGIN}error: failed to copy file\n  cause: No space left on device (os error 28)\n"
    error = explain("vLLM", output, tmp_path, None)
    assert isinstance(error, DiskFull)
    assert str(tmp_path) in error.message


def test_a_folder_that_lacks_something_is_named(tmp_path: Path) -> None:
    output = NO_SOLUTION + "idna was not found in the provided package locations" + UNSATISFIABLE
    assert f"{tmp_path} does not hold idna" in explain("vLLM", output, tmp_path, tmp_path).message


def test_what_uv_got_over_is_not_to_blame(tmp_path: Path) -> None:
    warning = f"warning: Failed\n  cause: error sending request for url ({ADDRESS})\n  cause: dns error\n"
    output = warning + NO_SOLUTION.removeprefix(BEGIN) + "there is no version of idna==99" + UNSATISFIABLE
    assert "has no idna==99" in explain("vLLM", output, tmp_path, None).message


def test_no_password_is_kept(tmp_path: Path) -> None:
    output = f"error: Failed to fetch: {ADDRESS.replace('//', '//me:secret@')}\n"
    assert "secret" not in explain("vLLM", output, tmp_path, None).detail
    assert without_passwords("see https://a.example/b@c") == "see https://a.example/b@c"


@pytest.mark.parametrize(
    ("output", "lacks"),
    [
        (NO_SOLUTION + "there is no version of torch==2.13.0+cpu and you", True),
        (NO_SOLUTION + "torch==2.13.0+cpu has no wheels with a matching Python ABI tag", True),
        (NO_SOLUTION + "there is no version of torch==2.13.0+cpu1 and", False),
        (NO_SOLUTION + "there is no version of numpy==2 and", False),
        (SENDING, False),
    ],
)
def test_whether_only_the_version_is_lacking(output: str, lacks: bool) -> None:
    assert lacks_version(output, "torch==2.13.0+cpu") == lacks
