"""Run tasks in child processes on this machine; one that crashes costs one task."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from elyte.core.errors import InputError, Outcome
from elyte.core.progress import Progress, silent
from elyte.workflow.codec import decode
from elyte.workflow.task import Task
from elyte.workflow.worker import LENGTH, message

AHEAD_SECONDS = 1.0
"""A child whose last task was shorter is given the next one ahead, so that it need not wait while
the caller stores results; with longer ones a task would wait behind another for no gain."""
START_SECONDS = 120.0
"""A child that has not said that it is ready after this time has failed to start."""


class LocalPool:
    """A few persistent child processes, each of which takes one task at a time.

    Args:
        workers: how many children.
        environment: variables set in the children on top of the driver's own
            ("OMP_NUM_THREADS", "LD_PRELOAD", …).
        time_limit: seconds for one task; the child is killed and started anew when it is over.

    Use it as a context manager, so that the children end when the work does.
    Where tasks are short, each child has a second one in its pipe while it is at work.
    """

    def __init__(
        self,
        workers: int = 2,
        environment: Mapping[str, str] | None = None,
        time_limit: float | None = None,
    ) -> None:
        if workers < 1:
            raise InputError(f"a pool needs at least one worker, not {workers}")
        self.time_limit = time_limit
        self._environment = {**os.environ, **(environment or {})}
        self._children: list[_Child | None] = [None] * workers

    def __enter__(self) -> LocalPool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End all children at once; what they were working on is lost."""
        for index, child in enumerate(self._children):
            if child is not None:
                child.kill()
                self._children[index] = None

    def run(
        self, tasks: Iterable[Task], progress: Progress = silent
    ) -> Iterator[tuple[Task, dict[str, Any] | Outcome]]:
        """Yield (task, result) as the tasks complete, in no particular order.

        A result is the dictionary that the task's function returned, or an `Outcome`: the
        function's own, "failed" for an exception, "crashed" when the child died, "timed_out".
        When the caller stops early (an exception, Ctrl-C), the children are killed.
        """
        waiting = deque(tasks)
        total, done = len(waiting), 0
        running: dict[int, deque[Task]] = {}  # the first is at work, a second was sent ahead
        try:
            while waiting or running:
                self._hand_out(waiting, running)
                found = [self._taken(i, x, waiting, running) for i, x in self._collect(running)]
                self._hand_out(waiting, running)  # nobody waits while the caller stores results
                for task, result in found:
                    done += 1
                    progress(done, total)
                    yield task, result
        finally:
            for index in running:
                self._retire(index)

    def _hand_out(self, waiting: deque[Task], running: dict[int, deque[Task]]) -> None:
        for index, child in enumerate(self._children):
            if waiting and index not in running:
                child = child or _Child(self._environment)
                self._children[index] = child
                running[index] = deque([waiting.popleft()])
                child.send(running[index][0])
        for index, tasks in running.items():
            child = self._children[index]
            if waiting and len(tasks) == 1 and child is not None and child.quick:
                tasks.append(waiting.popleft())
                child.send(tasks[-1])

    def _collect(self, running: dict[int, deque[Task]]) -> list[tuple[int, Any]]:
        """Wait until at least one running task has a result (or has failed)."""
        while True:
            found: list[tuple[int, Any]] = []
            for index in running:
                child = self._children[index]
                assert child is not None
                result = child.poll(self.time_limit)
                if result is not None:
                    found.append((index, result))
                    if child.finished:
                        self._retire(index)
            if found:
                return found
            self._wait(running)

    def _taken(
        self, index: int, result: Any, waiting: deque[Task], running: dict[int, deque[Task]]
    ) -> tuple[Task, Any]:
        """Return the task of a result; what was sent ahead to a child that ended waits again."""
        tasks = running[index]
        task = tasks.popleft()
        if self._children[index] is None:
            waiting.extendleft(reversed(tasks))
            tasks.clear()
        if not tasks:
            del running[index]
        return task, result

    def _wait(self, running: dict[int, deque[Task]]) -> None:
        with selectors.DefaultSelector() as selector:
            for index in running:
                child = self._children[index]
                assert child is not None
                selector.register(child.output, selectors.EVENT_READ)
            selector.select(timeout=0.2)  # short, so that time limits are kept

    def _retire(self, index: int) -> None:
        child = self._children[index]
        if child is not None:
            child.kill()
        self._children[index] = None


class _Child:
    """One child process and the bytes that have come from it so far.

    `quick` says that its last task was a short one, `finished` that it has ended.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  (lives as long as the child)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "elyte.workflow.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=dict(environment),
            start_new_session=True,  # Ctrl-C in the terminal reaches the driver alone
        )
        assert self._process.stdout is not None
        self.output: int = self._process.stdout.fileno()
        os.set_blocking(self.output, False)
        self._buffer = bytearray()
        self._since = time.monotonic()
        self._at_work = 0
        self._ready = False
        self.quick = False
        self.finished = False

    def send(self, task: Task) -> None:
        """Write one request; a broken pipe shows in `poll` as a crash."""
        assert self._process.stdin is not None
        if not self._at_work:
            self._since = time.monotonic()
        self._at_work += 1
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(message({"function": task.function, "inputs": task.inputs}))
            self._process.stdin.flush()

    def poll(self, time_limit: float | None) -> Any | None:
        """Return the answer, an `Outcome` of a crash or a time-out, or None: still at work."""
        ended = self._read()
        for answer in self._messages():
            now = time.monotonic()
            if self._ready:
                self.quick = now - self._since < AHEAD_SECONDS
                self._since, self._at_work = now, self._at_work - 1
                return answer
            self._ready, self._since = True, now
        if ended:
            self.finished = True
            return Outcome("crashed", self._obituary(), {"stderr": self._last_words()})
        limit = time_limit if self._ready else START_SECONDS
        if limit is not None and time.monotonic() - self._since > limit:
            self.finished = True
            what = "the task" if self._ready else "the start of the worker"
            return Outcome("timed_out", f"{what} took longer than {limit:g} s and was stopped")
        return None

    def _read(self) -> bool:
        """Take what has come; True when the child will send no more."""
        while True:
            try:
                data = os.read(self.output, 1 << 20)
            except BlockingIOError:
                return False
            if not data:
                return True
            self._buffer += data

    def _messages(self) -> Iterator[Any]:
        while len(self._buffer) >= LENGTH.size:
            end = LENGTH.size + LENGTH.unpack(self._buffer[: LENGTH.size])[0]
            if len(self._buffer) < end:
                return
            value = decode(bytes(self._buffer[LENGTH.size : end]))
            del self._buffer[:end]
            yield value

    def _obituary(self) -> str:
        code = self._process.wait()
        if code < 0:
            return f"the worker was killed by {signal.Signals(-code).name}"
        words = self._last_words().strip().splitlines()
        return f"the worker ended with exit code {code}" + (f": {words[-1]}" if words else "")

    def _last_words(self, size: int = 2000) -> str:
        end = self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, end - size))
        return self._log.read().decode(errors="replace")

    def kill(self) -> None:
        """End the child and its own children, and close the pipes."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        self._log.close()
