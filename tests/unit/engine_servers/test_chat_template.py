"""The server's side. A small program renders in place of Transformers; the real one: tests/engines."""

from __future__ import annotations

import sys
import time

import pytest

from app.engine_servers.chat_template import ChatTemplate, TemplateFailed

MESSAGES = [{"role": "user", "content": "Zoë 家\nHi"}]
READY = "import sys, json, os\nset_up = json.loads(input())\nprint('{}', flush=True)\n"
PLAIN = "print(json.dumps({'text': set_up['template'] + line + str(os.getpid())}), flush=True)"


@pytest.fixture
def template():
    """Makes templates that a program renders; ends it after the test."""
    made: list[ChatTemplate] = []

    def maker(per_line, timeout_s=20.0, ready=READY):
        program = f"{ready}for line in sys.stdin: {per_line}"
        command = (sys.executable, "-X", "utf8", "-c", program)
        made.append(ChatTemplate("T", {"bos_token": "<s>"}, command=command, timeout_s=timeout_s))
        return made[-1]

    yield maker
    for one in made:
        one.close()


def test_the_worker_has_the_template_and_the_messages(template):
    text = template(PLAIN).render(MESSAGES)
    assert text.startswith("T[")
    assert '"content": "Zo' in text


def test_one_worker_renders_everything(template):
    one = template(PLAIN)
    one.start()
    assert one.render(MESSAGES) == one.render(MESSAGES)


def test_a_refusal_is_told(template):
    refusing = template("print(json.dumps({'refused': 'roles must alternate'}), flush=True)")
    with pytest.raises(TemplateFailed, match="refused these messages: roles must alternate"):
        refusing.render(MESSAGES)


def test_one_that_loops_is_ended_and_the_next_message_has_a_new_worker(template, tmp_path):
    once = tmp_path / "looped"
    loops = f"\n    if not os.path.exists({str(once)!r}):\n        open({str(once)!r}, 'w').close()\n"
    looping = template(f"{loops}        while True: pass\n    {PLAIN}", timeout_s=0.5)
    began = time.monotonic()
    with pytest.raises(TemplateFailed, match=r"did not come to an end within 0\.5 s"):
        looping.render(MESSAGES)
    assert time.monotonic() - began < 10
    looping._timeout_s = 20.0
    assert looping.render(MESSAGES).startswith("T[")


def test_one_that_takes_its_worker_down(template):
    with pytest.raises(TemplateFailed, match="took more memory than it may"):
        template("os.abort()").render(MESSAGES)


def test_a_worker_that_does_not_start(template):
    with pytest.raises(TemplateFailed):
        template("pass", ready="raise SystemExit(1)\n").render(MESSAGES)


def test_a_model_without_a_template():
    template = ChatTemplate(None, {}, command=("no such program",))
    template.start()
    with pytest.raises(TemplateFailed, match="has no chat template"):
        template.render(MESSAGES)
    template.close()
