"""`run(recipe, folder)`: what carries out the tasks of the loop, stores them, and can be stopped.

The driver holds no state of its own: it asks `plan` for tasks, takes finished ones from the
project's store, computes the others, and hands all results to `advance`. After a crash the same
folder leads through the finished tasks to where the run was.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from threading import Event
from typing import Any

from threadpoolctl import threadpool_limits

from elyte.core.progress import Progress, Watcher
from elyte.learning import narrate, work
from elyte.learning.advance import Finished, advance
from elyte.learning.plan import plan
from elyte.learning.project import Project
from elyte.learning.state import State, Task

SIDE_BY_SIDE = {"pack", "explore", "prepare", "segment"}


class Stopped(Exception):
    """A person asked the run to stop; what was finished is kept."""


def run(state: State, project: Project, watcher: Watcher) -> State:
    """Carry a run from a state to its end.

    Raises:
        Stopped: on Ctrl-C, after the running tasks have been told to stop.
    """
    while tasks := plan(state):
        project.save_status(state)
        results = _perform(tasks, state, project, watcher)
        state = advance(state, results)
        narrate.after(state, results, watcher)
    project.save_status(state)
    return state


def _perform(
    tasks: Sequence[Task], state: State, project: Project, watcher: Watcher
) -> list[Finished]:
    """Return the results of the tasks in their order, computing those that are not stored."""
    keys = [task.key for task in tasks]
    missing = {
        key: task
        for key, task in zip(keys, tasks, strict=True)
        if task.kind != "label" and not project.store.has(key)
    }
    progress = _heeding(project.stop, watcher.stage(narrate.title(state, tasks)))
    if tasks[0].kind == "label":
        summaries = work.label(tasks, project, progress)
        return [Finished(t, k, s) for t, k, s in zip(tasks, keys, summaries, strict=True)]
    _compute(missing, project, progress)
    return [
        Finished(task, key, project.result(key)["summary"])
        for task, key in zip(tasks, keys, strict=True)
    ]


def _heeding(stop: Event, progress: Progress) -> Progress:
    """Return a progress callable that ends the work when a person wants it to end."""

    def report(done: float, total: float, note: str = "") -> None:
        if stop.is_set():
            raise Stopped
        progress(done, total, note)

    report(0, 0)
    return report


def _compute(missing: Mapping[str, Task], project: Project, progress: Progress) -> None:
    if not missing:
        return
    kind = next(iter(missing.values())).kind
    function: Callable[..., dict[str, Any]] = work.FUNCTIONS[kind]
    if kind not in SIDE_BY_SIDE:
        for key, task in missing.items():
            _timed(function, key, task, project, progress)
        return
    shares = Shares(len(missing), progress)
    with (
        threadpool_limits(1),  # the tasks themselves run side by side
        ThreadPoolExecutor(project.workers) as pool,
    ):
        futures = [
            pool.submit(_timed, function, key, task, project, shares.part(index))
            for index, (key, task) in enumerate(missing.items())
        ]
        try:
            _wait(futures)
        except BaseException:
            shares.stop.set()
            for future in futures:
                future.cancel()
            raise


def _wait(futures: Sequence[Future[None]]) -> None:
    """Wait in short turns, so that Ctrl-C is heard; the first error ends it."""
    pending = set(futures)
    while pending:
        done, pending = wait(pending, timeout=0.5, return_when=FIRST_COMPLETED)
        for future in done:
            future.result()


def _timed(
    function: Callable[..., dict[str, Any]],
    key: str,
    task: Task,
    project: Project,
    progress: Progress,
) -> None:
    start = time.monotonic()
    result = function(task.inputs, project, progress)
    result["summary"]["seconds"] = round(time.monotonic() - start, 3)
    project.store.save(key, result)


class Shares:
    """Join the progress of tasks that run side by side into one, and carry the wish to stop."""

    def __init__(self, count: int, progress: Progress) -> None:
        self._fractions = [0.0] * count
        self._progress = progress
        self.stop = Event()

    def part(self, index: int) -> Progress:
        """Return the progress callable of one of the tasks."""

        def report(done: float, total: float, note: str = "") -> None:
            if self.stop.is_set():
                raise Stopped
            self._fractions[index] = done / total if total else 0.0
            self._progress(sum(self._fractions), len(self._fractions), note)

        return report
