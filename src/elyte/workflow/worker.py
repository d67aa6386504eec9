"""The child process of `LocalPool`: import once, then one task after the other from a pipe.

Run as `python -m elyte.workflow.worker`. Standard input carries requests, standard output the
answers; each is an 8-byte length and the bytes of `codec.encode`. What a task prints goes to
standard error. When the driver goes away, even by `kill -9`, standard input ends and the child
ends at once, in the middle of a task if need be.
"""

from __future__ import annotations

import os
import queue
import signal
import struct
import sys
import threading
import traceback
from typing import Any, BinaryIO

from elyte.core.errors import ElyteError, Outcome
from elyte.workflow.codec import decode, encode
from elyte.workflow.task import Task

LENGTH = struct.Struct("<Q")


def read_message(stream: BinaryIO) -> Any | None:
    """Return the next value of a stream, or None at its end."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    size = LENGTH.unpack(head)[0]
    data = stream.read(size)
    return decode(data) if len(data) == size else None


def message(value: Any) -> bytes:
    """Return the bytes that `read_message` reads."""
    data = encode(value)
    return LENGTH.pack(len(data)) + data


def answer(request: dict[str, Any]) -> Any:
    """Run one request; an exception becomes an `Outcome` with its last line and its traceback."""
    try:
        return Task(request["function"], request["inputs"]).run()
    except Exception as error:
        kind = "" if isinstance(error, ElyteError) else f"{type(error).__name__}: "
        details = {"traceback": traceback.format_exc(limit=-4)}
        return Outcome("failed", f"{kind}{error}", details)


def _listen(stream: BinaryIO, requests: queue.SimpleQueue[Any]) -> None:
    while (request := read_message(stream)) is not None:
        requests.put(request)
    # The driver has gone: nobody waits for an answer. A worker leads a process group of its own,
    # and a program that it has started would go on for hours.
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(0)


def main() -> None:
    """Serve requests until standard input ends."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, requests), daemon=True).start()
    answers.write(message("ready"))
    answers.flush()
    while True:
        answers.write(message(answer(requests.get())))
        answers.flush()


if __name__ == "__main__":
    main()
