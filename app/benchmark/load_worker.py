"""The process that puts load on an engine: sends the requests of a round together and takes the times.

It is a process of its own so that the window's interpreter lock disturbs neither the figures nor the window,
and so that a cancel is a kill: at once, whatever the engine does. It uses the client that the chat uses: what
is measured is what is felt.

Jobs come as lines on standard input; it ends when that closes, so that it never outlives its app. Messages go
to standard output (`load_messages`). Each request has a thread, and what is counted while a round lasts is
kept by that thread alone.

Times are of `time.perf_counter`, taken when a piece has gone through the client. TTFT counts from before the
connection is made to the first piece of text or of reasoning: a model that thinks before it replies has begun
to write by then, and an engine that keeps its thoughts apart must not look slower than one that does not.
"""

from __future__ import annotations

import gc
import os
import queue
import sys
import threading
import time
from itertools import pairwise

import app.engines.http_exchange  # noqa: F401  # what the client imports with its first request, which is measured
from app.benchmark.load_messages import LoadJob, Message, Pieces, read_job, write_message
from app.domain.errors import EdgewiseError
from app.domain.generation import Cancellation, ChatMessage, ChatRequest, Finished, SamplingParams
from app.domain.speed_test import RequestSample, Round
from app.engines.openai_client import OpenAIClient

TELL_INTERVAL_S = 0.1
"""Between two counts of pieces."""
BEGIN_SWITCH_S = 0.0005
"""How long a thread keeps the interpreter while others wait for it, as long as a round begins: all want it
then, and whoever waits measures its waiting as TTFT (128 at once: the worst by 16 % of 0.3 s, now 2 %). Later
it is Python's own 5 ms: changing hands costs processor time."""


def main() -> int:
    """Do the jobs on standard input until it closes; returns the exit status."""
    jobs: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_read_jobs, args=(jobs,), daemon=True, name="jobs").start()
    gc.freeze()
    clients = _Clients()
    while True:
        job = read_job(jobs.get())
        gc.collect()  # between two rounds, never within one
        gc.disable()
        done = _Round(clients.of(job), job).run()
        gc.enable()
        _tell(done)


class _Clients:
    """Keeps the last client, which has read what certificates to trust."""

    def __init__(self) -> None:
        self._key: object = None
        self._client: OpenAIClient | None = None

    def of(self, job: LoadJob) -> OpenAIClient:
        key = (job.address, job.dialect)
        if self._client is None or key != self._key:
            self._key, self._client = key, OpenAIClient(*key)
        return self._client


class _Round:
    def __init__(self, client: OpenAIClient, job: LoadJob) -> None:
        params = SamplingParams(temperature=0.0, max_tokens=job.output_tokens)
        gate = threading.Barrier(len(job.prompts))
        self._requests = [_Request(client, messages, params, gate) for messages in job.prompts]

    def run(self) -> Round:
        """Send all requests and read their replies. What went wrong with one is said in its sample."""
        usual = sys.getswitchinterval()
        sys.setswitchinterval(BEGIN_SWITCH_S)
        for request in self._requests:
            request.thread.start()
        told, next_tell = 0, time.perf_counter() + TELL_INTERVAL_S
        for request in self._requests:
            while request.thread.is_alive():
                request.thread.join(max(0.001, next_tell - time.perf_counter()))
                if (now := time.perf_counter()) >= next_tell:
                    sys.setswitchinterval(usual)
                    count = sum(len(it.pieces) for it in self._requests)
                    if count != told:
                        _tell(Pieces(count))
                    told, next_tell = count, now + TELL_INTERVAL_S
        sys.setswitchinterval(usual)
        for request in self._requests:
            if request.bug is not None:
                raise request.bug
        began = min(request.began for request in self._requests)
        ended = max(request.ended for request in self._requests)
        return Round(tuple(request.sample(began) for request in self._requests), ended - began)


class _Request:
    """One request. Times of the clock; `pieces` are those at which a piece came."""

    def __init__(
        self,
        client: OpenAIClient,
        messages: tuple[ChatMessage, ...],
        params: SamplingParams,
        gate: threading.Barrier,
    ) -> None:
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.began = self.ended = 0.0
        self.pieces: list[float] = []
        self.bug: BaseException | None = None
        self._client = client
        self._request = ChatRequest(messages, params, ignore_eos=True, uncached=True)
        self._gate = gate
        self._finished: Finished | None = None
        self._error = ""

    def _run(self) -> None:
        clock, came = time.perf_counter, self.pieces.append
        try:
            events = self._client.stream(self._request, Cancellation())
            self._gate.wait()
            self.began = clock()
            for event in events:
                if type(event) is Finished:
                    self.ended = clock()  # the reply's end; the connection's, which follows, is nobody's wait
                    self._finished = event
                else:
                    came(clock())
        except EdgewiseError as error:
            self._error = error.message
        except BaseException as bug:
            self.bug = bug
        if self._finished is None:
            self.ended = clock()

    def sample(self, round_began: float) -> RequestSample:
        """What is known of it once it has ended; times count from its own beginning."""
        pieces = self.pieces
        usage = None if self._finished is None else self._finished.usage
        return RequestSample(
            began_s=self.began - round_began,
            ttft_s=pieces[0] - self.began if pieces else None,
            duration_s=self.ended - self.began,
            gaps_s=tuple(later - earlier for earlier, later in pairwise(pieces)),
            prompt_tokens=None if usage is None else usage.prompt_tokens,
            completion_tokens=None if usage is None else usage.completion_tokens,
            timings=None if self._finished is None else self._finished.timings,
            error=self._error,
        )


def _read_jobs(jobs: queue.SimpleQueue[bytes]) -> None:
    rest = bytearray()
    while piece := os.read(0, 1 << 16):
        rest += piece
        if b"\n" in piece:
            *lines, tail = rest.split(b"\n")
            rest = bytearray(tail)
            for line in lines:
                jobs.put(bytes(line))
    os._exit(0)  # nothing here needs to be put in order


def _tell(message: Message) -> None:
    sys.stdout.buffer.write(write_message(message))
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)  # the thread that reads standard input would keep us
