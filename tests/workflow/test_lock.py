"""One writer for a folder: the second is refused, a dead one is succeeded."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys

import pytest

from elyte.core import ProjectLocked, StorageError
from elyte.workflow import ProjectLock
from elyte.workflow.lock import LOCK_NAME

HOLD = """
import sys, time
from elyte.workflow import ProjectLock
with ProjectLock(sys.argv[1]):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_second_process_is_refused_with_pid_and_host(tmp_path, holder):
    with pytest.raises(ProjectLocked) as caught:
        ProjectLock(tmp_path).acquire()
    assert str(holder.pid) in str(caught.value)
    assert socket.gethostname() in str(caught.value)


def test_a_killed_process_is_succeeded(tmp_path, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with ProjectLock(tmp_path):
        assert json.loads((tmp_path / LOCK_NAME).read_text())["pid"] == os.getpid()
    assert (tmp_path / LOCK_NAME).read_text() == ""


def test_twice_in_one_process(tmp_path):
    with ProjectLock(tmp_path), pytest.raises(ProjectLocked, match=str(os.getpid())):
        ProjectLock(tmp_path).acquire()
    with ProjectLock(tmp_path):
        pass


def test_a_lock_of_another_host_is_believed(tmp_path):
    (tmp_path / LOCK_NAME).write_text('{"pid": 1, "host": "elsewhere", "since": "yesterday"}')
    with pytest.raises(ProjectLocked, match=r"elsewhere.*delete"):
        ProjectLock(tmp_path).acquire()


@pytest.mark.parametrize("content", ["", "not json", "[1]"])
def test_an_unreadable_lock_file_of_nobody_is_taken(tmp_path, content):
    (tmp_path / LOCK_NAME).write_text(content)
    with ProjectLock(tmp_path):
        pass


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot write"):
        ProjectLock(tmp_path / "file").acquire()
