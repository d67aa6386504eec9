"""Positions of all frames of a run, of which only a block is in memory at a time.

`Positions` is indexed like an array (T, n, 3). What it reads from is an array, a scratch file, an
H5MD file, or any of these changed on the way (`changed`, `select`).
"""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from elyte.core.errors import InputError, StorageError

Array = NDArray[np.float64]
Read = Callable[[int, int], Array]

BLOCK_BYTES = 1 << 24
"""What a block of frames takes at most; one frame at least."""


class Positions:
    """Values of n particles in T frames, (T, n, 3), read block by block.

    Args:
        read: frames start … stop − 1, (stop − start, n, 3).
        frames: T.
        particles: n.
        width: particles that `read` has to fetch for a frame, where that is more than n.
    """

    ndim = 3
    dtype = np.dtype(float)

    def __init__(self, read: Read, frames: int, particles: int, width: int = 0) -> None:
        self._read = read
        self.shape = (frames, particles, 3)
        self._width = max(width, particles, 1)

    @classmethod
    def of(cls, values: Any) -> Positions:
        """Return an array in memory as `Positions`; `Positions` as they are."""
        if isinstance(values, Positions):
            return values
        array = np.asarray(values, dtype=float)
        if array.ndim != 3 or array.shape[2] != 3:
            raise InputError(f"positions have shape {array.shape}, expected (frames, particles, 3)")
        return cls(lambda start, stop: array[start:stop], len(array), array.shape[1])

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def block_length(self) -> int:
        """Frames in one block."""
        return max(1, BLOCK_BYTES // (24 * self._width))

    def slices(self) -> Iterator[slice]:
        """Yield the frames of each block."""
        step = self.block_length
        return (slice(k, min(k + step, len(self))) for k in range(0, len(self), step))

    def blocks(self) -> Iterator[tuple[slice, Array]]:
        """Yield frames and their values, (t, n, 3), block by block."""
        return ((part, self._read(part.start, part.stop)) for part in self.slices())

    @overload
    def __getitem__(self, key: int) -> Array: ...
    @overload
    def __getitem__(self, key: slice | tuple[Any, ...]) -> Array: ...
    def __getitem__(self, key: int | slice | tuple[Any, ...]) -> Array:
        """Return values as an array would; only what was asked for stays in memory."""
        first, *rest = key if isinstance(key, tuple) else (key,)
        if not isinstance(first, slice):
            start = range(len(self))[int(first)]
            return np.asarray(self._read(start, start + 1)[(0, *rest)])
        frames = range(len(self))[first]
        parts = [self._part(chosen)[(slice(None), *rest)] for chosen in self._pieces(frames)]
        empty = np.empty((0, *self.shape[1:]))[(slice(None), *rest)]
        return np.concatenate(parts) if parts else empty

    def _pieces(self, frames: range) -> Iterator[range]:
        step = max(1, self.block_length // abs(frames.step))
        return (frames[k : k + step] for k in range(0, len(frames), step))

    def _part(self, frames: range) -> Array:
        low, high = min(frames[0], frames[-1]), max(frames[0], frames[-1])
        block = self._read(low, high + 1)
        return block if frames.step == 1 else block[np.array(frames) - low]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self[:], dtype=dtype)

    def select(self, particles: NDArray[np.int64]) -> Positions:
        """Return some particles, (T, k, 3), still read block by block."""
        chosen = np.asarray(particles, dtype=np.int64)
        if chosen.ndim != 1:
            raise InputError(f"particles to select have shape {chosen.shape}, expected (k,)")
        return Positions(
            lambda start, stop: self._read(start, stop)[:, chosen],
            len(self), len(chosen), self._width,
        )  # fmt: skip

    def part(self, start: int, stop: int) -> Positions:
        """Return the frames start … stop − 1, still read block by block."""
        frames = range(len(self))[start:stop]
        first = frames.start
        return Positions(
            lambda low, high: self._read(first + low, first + high),
            len(frames), self.shape[1], self._width,
        )  # fmt: skip

    def changed(self, change: Callable[[slice, Array], Array]) -> Positions:
        """Return positions that `change(frames, values)` makes of each block as it is read."""
        return Positions(
            lambda start, stop: change(slice(start, stop), self._read(start, stop)),
            len(self), self.shape[1], self._width,
        )  # fmt: skip


class Scratch:
    """A file without a name to which frames are appended, gone when nobody reads it any more.

    Args:
        particles: n of the frames (n, 3).

    Raises:
        StorageError: no folder for it, or no room in it.
    """

    def __init__(self, particles: int) -> None:
        self._particles = particles
        self._frames = 0
        self._folder = scratch_folder()
        try:
            self._file, path = tempfile.mkstemp(prefix="elyte-", dir=self._folder)
            os.unlink(path)  # the file lives as long as it is open, and no kill leaves it behind
        except OSError as error:
            raise StorageError(
                f"{self._folder}: no scratch file can be made ({error}); set TMPDIR"
            ) from error
        weakref.finalize(self, os.close, self._file)

    def append(self, values: Array) -> None:
        """Write frames, (t, n, 3)."""
        try:
            view = memoryview(np.ascontiguousarray(values, dtype=float).tobytes())
            while view:
                view = view[os.write(self._file, view) :]
        except OSError as error:
            raise StorageError(
                f"{self._folder}: no room for the frames of a trajectory ({error}); "
                "set TMPDIR to a folder that has it"
            ) from error
        self._frames += len(values)

    def positions(self) -> Positions:
        """Return what was written."""
        return Positions(self._read, self._frames, self._particles)

    def _read(self, start: int, stop: int) -> Array:
        frame = 24 * self._particles
        values = np.empty((stop - start, self._particles, 3))
        view, at = values.reshape(-1).view(np.uint8).data, 0
        while at < len(view):
            got = os.preadv(self._file, [view[at:]], start * frame + at)
            if not got:
                raise StorageError(
                    f"{self._folder}: a scratch file is shorter than what was written"
                )
            at += got
        return values


def scratch_folder() -> Path:
    """Return where scratch files go: $TMPDIR, else /var/tmp (a disk), else the system's choice.

    /tmp is memory on many machines, which is what a scratch file is to save.
    """
    disk = Path("/var/tmp")
    if "TMPDIR" not in os.environ and os.access(disk, os.W_OK):
        return disk
    return Path(tempfile.gettempdir())
