"""An engine in a process of its own that writes at a set pace: no model, so no work that takes the cores.

What the app costs beside it is the app's own. Run as a program it is the server.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from app.domain.model import LocalModel
from app.engines.base import Launch, LoadOptions, LoadReport
from app.engines.llama_cpp import LlamaCpp
from app.engines.openai_client import Dialect

TOKEN_CHARS = 4


class PacedEngine(LlamaCpp):
    """An adapter for it; what it does not say is as of llama.cpp.

    Each reply is `text`, in tokens of four characters, `pace` of them a second.
    """

    id = "paced"
    name = "Paced engine"
    ready_path = "/health"

    def __init__(self, text: Path, pace: float) -> None:
        self.dialect = Dialect()
        self._text = text
        self._pace = pace

    def launch(self, model: LocalModel, options: LoadOptions, *, port: int, api_key: str) -> Launch:
        argv = (sys.executable, __file__, str(port), str(self._text), str(self._pace))
        return Launch(argv, {}, options.context_length)

    def explain_failure(self, model: LocalModel, log: str, exit_status: int | None) -> str:
        return log

    def lacked_memory(self, log: str, exit_status: int | None) -> bool:
        return False

    def read_load(self, log: str) -> LoadReport:
        return LoadReport()

    def port_was_taken(self, log: str) -> bool:
        return "Address already in use" in log


def serve(port: int, text: str, pace: float) -> None:
    """Answer until the process is ended."""
    tokens = [text[at : at + TOKEN_CHARS] for at in range(0, len(text), TOKEN_CHARS)]

    def chunk(content: str, finish: str | None = None) -> dict[str, object]:
        return {"choices": [{"index": 0, "delta": {"content": content}, "finish_reason": finish}]}

    def chunks() -> Iterator[dict[str, object] | str]:
        begin = time.monotonic()
        for number, token in enumerate(tokens):
            time.sleep(max(0.0, begin + number / pace - time.monotonic()))
            yield chunk(token)
        usage = {"prompt_tokens": 8, "completion_tokens": len(tokens)}
        yield {**chunk("", "stop"), "usage": usage}
        yield "[DONE]"

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            with suppress(OSError):  # the client may hang up
                for value in chunks():
                    data = value if isinstance(value, str) else json.dumps(value)
                    self.wfile.write(f"data: {data}\n\n".encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    serve(int(sys.argv[1]), Path(sys.argv[2]).read_text(encoding="utf-8"), float(sys.argv[3]))
