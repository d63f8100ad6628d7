"""Renders one model's chat template, in Transformers' sandbox, for `chat_template`.

A line of JSON comes in (first the template, then lists of messages), a line of JSON goes out. Ends with its
standard input.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

MORE_MEMORY = 1 << 30
"""Bytes of address space beyond what Python and its modules take: many times what a template needs."""
LONGEST_TEXT = 32 << 20
"""Characters. No context holds as many."""


def main() -> None:
    """Answer until the input ends."""
    set_up = json.loads(sys.stdin.readline())
    from transformers.utils.chat_template_utils import render_jinja_template

    _bound_memory()
    _answer({"ready": True})
    for line in sys.stdin:
        try:
            texts, _ = render_jinja_template(
                conversations=[json.loads(line)],
                chat_template=set_up["template"],
                add_generation_prompt=True,
                **set_up["special_tokens"],
            )
        except Exception as error:  # the template is the model's own program and may refuse in any way
            _answer({"refused": f"{type(error).__name__}: {error}"[:1000]})
        else:
            text = texts[0]
            _answer({"text": text} if len(text) <= LONGEST_TEXT else {"refused": "it makes too much of them"})


def _answer(answer: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def _bound_memory() -> None:
    if sys.platform == "linux":  # macOS does not hold to such a bound, Windows has none
        import resource

        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        _, most = resource.getrlimit(resource.RLIMIT_AS)
        bound = pages * resource.getpagesize() + MORE_MEMORY
        resource.setrlimit(
            resource.RLIMIT_AS, (bound if most == resource.RLIM_INFINITY else min(bound, most), most)
        )


if __name__ == "__main__":
    main()
