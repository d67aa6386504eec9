"""Child processes: many tasks each, one that dies costs one task, time limits, stopping."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest

from elyte.core import InputError
from elyte.workflow import LocalPool, Task

HERE = str(Path(__file__).parent)
PATHS = os.pathsep.join(filter(None, [HERE, os.environ.get("PYTHONPATH", "")]))
ENVIRONMENT = {"PYTHONPATH": PATHS, "OMP_NUM_THREADS": "1"}


def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"


def test_results_come_back_exactly_and_workers_are_kept():
    tasks = [Task("pool_tasks:double", {"values": np.arange(i, i + 3)}) for i in range(12)]
    calls = []
    with LocalPool(2, ENVIRONMENT) as pool:
        results = dict(pool.run(tasks, lambda done, total, note="": calls.append((done, total))))
        pids = {result["pid"] for result in results.values()}
    for task in tasks:
        assert results[task]["values"].tolist() == (2 * task.inputs["values"]).tolist()
    assert len(pids) <= 2
    assert calls == [(i, 12) for i in range(1, 13)]
    assert all(gone(pid) for pid in pids)


@pytest.mark.parametrize(
    ("function", "kind", "words"),
    [
        ("fail", "failed", "ValueError: no such luck"),
        ("refuse", "failed", "that is not a frame"),
        ("give_up", "scf_not_converged", "it would not"),
        ("die", "crashed", "SIGKILL"),
        ("segfault", "crashed", "SIGSEGV"),
        ("leave", "crashed", "exit code 3: out of cheese"),
        ("missing", "failed", "has no function 'missing'"),
    ],
)
def test_a_failure_costs_one_task(function, kind, words):
    bad = Task(f"pool_tasks:{function}")
    good = [Task("pool_tasks:double", {"values": [i]}) for i in range(3)]
    with LocalPool(1, ENVIRONMENT) as pool:
        results = dict(pool.run([good[0], bad, *good[1:]]))
    assert results[bad].kind == kind
    assert words in results[bad].reason
    assert [results[task]["values"].tolist() for task in good] == [[0], [2], [4]]


def test_a_time_limit_ends_one_task():
    slow = Task("pool_tasks:sleep", {"seconds": 60.0})
    first, second, last = (Task("pool_tasks:sleep", {"seconds": 0.0}) for _ in range(3))
    with LocalPool(1, ENVIRONMENT, time_limit=2.0) as pool:
        results = dict(pool.run([first, second, slow, last]))
    assert results[slow].kind == "timed_out"
    assert "2 s" in results[slow].reason
    assert results[first]["pid"] == results[second]["pid"] != results[last]["pid"]


def test_a_child_with_short_tasks_works_on_while_the_caller_is_busy():
    """Each pause of the caller is long enough for the task at work and the one sent ahead."""
    ends = []
    with LocalPool(1, ENVIRONMENT) as pool:
        for _task, result in pool.run([Task("pool_tasks:clock") for _ in range(7)]):
            ends.append(result["time"])
            time.sleep(0.5)
    assert sum(gap < 0.25 for gap in np.diff(ends)) >= 2


def test_a_long_task_is_not_kept_behind_another():
    """Tasks are sent ahead where they are short; one of these would wait for two seconds."""
    tasks = [Task("pool_tasks:sleep", {"seconds": s}) for s in (1.2, 1.2, 1.2, 3.0, 0.0)]
    with LocalPool(2, ENVIRONMENT) as pool:
        results = dict(pool.run(tasks))
    assert results[tasks[4]]["pid"] != results[tasks[3]]["pid"]


def test_what_a_task_prints_does_not_disturb():
    task = Task("pool_tasks:noisy", {"text": "hello " * 1000})
    with LocalPool(1, ENVIRONMENT) as pool:
        assert dict(pool.run([task]))[task]["text"].startswith("hello")


def test_the_environment_reaches_the_children_alone():
    task = Task("pool_tasks:variable", {"name": "ELYTE_TEST_VARIABLE"})
    with LocalPool(1, {**ENVIRONMENT, "ELYTE_TEST_VARIABLE": "yes"}) as pool:
        assert dict(pool.run([task]))[task] == {"value": "yes"}
    assert "ELYTE_TEST_VARIABLE" not in os.environ


def test_stopping_early_ends_the_children_and_the_pool_can_go_on():
    tasks = [Task("pool_tasks:sleep", {"seconds": s}) for s in (0.0, 30.0, 30.0)]
    with LocalPool(2, ENVIRONMENT) as pool:
        started = time.monotonic()
        for _task, result in pool.run(tasks):
            first = result["pid"]
            break
        again = dict(pool.run(tasks[:1]))
    assert time.monotonic() - started < 15
    assert again[tasks[0]]["slept"] == 0.0
    assert gone(first)


def test_large_arrays_pass_through_the_pipes():
    task = Task("pool_tasks:double", {"values": np.arange(600_000.0)})
    with LocalPool(1, ENVIRONMENT) as pool:
        result = dict(pool.run([task]))[task]
    assert result["values"][-1] == 2 * 599_999.0


def test_no_tasks_and_no_workers():
    with LocalPool(1) as pool:
        assert list(pool.run([])) == []
    with pytest.raises(InputError):
        LocalPool(0)
