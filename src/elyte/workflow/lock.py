"""One writer for each project folder."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import time
from pathlib import Path
from typing import IO, Any

from elyte.core.errors import ProjectLocked, StorageError

LOCK_NAME = ".writer.lock"
_held: set[Path] = set()


class ProjectLock:
    """Hold a folder for writing, as a context manager or by `acquire` and `release`.

    The lock is the operating system's (a POSIX record lock), so it ends with its process,
    however that ends, and children do not inherit it. The file says who holds it: process id,
    host and start time. Where a file system does not carry locks between hosts, a lock file
    left by another host is believed.

    Args:
        folder: made when it is not there.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        self.path = (self.folder / LOCK_NAME).absolute()
        self._handle: IO[str] | None = None

    def acquire(self) -> None:
        """Take the lock; a lock of a process that has died is taken over.

        Raises:
            ProjectLocked: another process holds it; the message has its pid and host.
            StorageError: the folder cannot be written.
        """
        key = self.path.resolve()
        if key in _held:
            raise ProjectLocked(self._refusal(_myself()))
        handle = self._open()
        try:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            owner = _read(handle)
            handle.close()
            raise ProjectLocked(self._refusal(owner)) from None
        owner = _read(handle)
        if owner and owner.get("host") != socket.gethostname():
            handle.close()
            raise ProjectLocked(self._refusal(owner))
        self._handle = handle
        _held.add(key)
        _write(handle, json.dumps(_myself()))

    def release(self) -> None:
        """Give the lock back; nothing happens when it is not held."""
        if self._handle is not None:
            with contextlib.suppress(OSError):
                _write(self._handle, "")
            self._handle.close()
            self._handle = None
            _held.discard(self.path.resolve())

    def __enter__(self) -> ProjectLock:
        self.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def _open(self) -> IO[str]:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            return open(self.path, "a+", encoding="utf-8")
        except OSError as error:
            raise StorageError(
                f"cannot write in {self.folder}: {error.strerror}; choose a folder that can be "
                "written"
            ) from error

    def _refusal(self, owner: dict[str, Any]) -> str:
        who = f"process {owner.get('pid', '?')} on host {owner.get('host', '?')}"
        since = f", since {owner['since']}" if "since" in owner else ""
        here = owner.get("host") == socket.gethostname()
        hint = (
            "wait for it, or stop it"
            if here
            else f"if that process has ended, delete {self.path} and start again"
        )
        return f"{self.folder} is being written by {who}{since}: {hint}"


def _myself() -> dict[str, Any]:
    since = time.strftime("%Y-%m-%d %H:%M:%S")
    return {"pid": os.getpid(), "host": socket.gethostname(), "since": since}


def _read(handle: IO[str]) -> dict[str, Any]:
    handle.seek(0)
    try:
        owner = json.loads(handle.read() or "{}")
    except ValueError:
        return {}
    return owner if isinstance(owner, dict) else {}


def _write(handle: IO[str], text: str) -> None:
    handle.seek(0)
    handle.truncate()
    handle.write(text)
    handle.flush()
