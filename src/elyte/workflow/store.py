"""Results of finished tasks on disk, by key, whole or not there at all."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import Any

from elyte.core.errors import DamagedData, StorageError
from elyte.workflow.codec import decode, encode

_DIGEST_BYTES = 32


def write_whole(path: Path, data: bytes) -> None:
    """Write a file beside its place, flush it to the disk, and rename it into place.

    A reader (or a crash) sees the old file or the new one, never a part.

    Raises:
        StorageError: the folder cannot be written, or the disk is full.
    """
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".partial-")
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(data)
            handle.flush()
            os.fsync(handle.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise StorageError(
            f"cannot write {path}: {error.strerror}; free some space or choose a folder that "
            "can be written"
        ) from error


class ResultStore:
    """A folder of results; each file carries the SHA-256 of what follows it.

    Args:
        folder: made when it is not there.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)

    def path(self, key: str) -> Path:
        """Return where the result of a key lies or would lie."""
        return self.folder / key[:2] / f"{key}.result"

    def has(self, key: str) -> bool:
        """Whether a whole result is stored for the key."""
        return self.path(key).is_file()

    def save(self, key: str, result: dict[str, Any]) -> None:
        """Store a dictionary of plain values and arrays.

        Raises:
            StorageError: the folder cannot be written, or the disk is full.
        """
        data = encode(result)
        write_whole(self.path(key), hashlib.sha256(data).digest() + data)

    def load(self, key: str) -> dict[str, Any]:
        """Return a stored result.

        Raises:
            KeyError: nothing is stored for the key.
            DamagedData: the file does not match its hash.
        """
        path = self.path(key)
        if not path.is_file():
            raise KeyError(key)
        content = path.read_bytes()
        digest, data = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
        if hashlib.sha256(data).digest() != digest:
            raise DamagedData(
                f"{path} does not match its hash: delete it, and it is computed again"
            )
        result: dict[str, Any] = decode(data)
        return result
