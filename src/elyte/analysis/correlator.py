"""Displacements of walks while they are walked: exact over all origins, memory of one window.

For lags k below a window W every pair of frames counts, as it does when the whole walk is there:

    S_ij(k) = Σ_t [r_i(t) − r_i(t − k)]·[r_j(t) − r_j(t − k)]

A block of new frames meets the W − 1 frames before it in one Fourier transform.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft

from elyte.core.errors import InputError

Array = NDArray[np.float64]


class DisplacementCorrelator:
    """Sums of products of displacements of s walks, fed frame by frame.

    Args:
        window: lags 0 … window − 1.
        walks: s.
        crossed: whether products of different walks are wanted, too.

    Raises:
        InputError: a window of fewer than two lags.
    """

    def __init__(self, window: int, walks: int, crossed: bool = False) -> None:
        if window < 2:
            raise InputError(f"a window of {window} frames holds no displacement")
        self.window = window
        self.walks = walks
        self.crossed = crossed
        diagonal = np.arange(walks), np.arange(walks)
        self._pairs = np.triu_indices(walks) if crossed else diagonal
        self._sums = np.zeros((window, len(self._pairs[0])))
        self._counts = np.zeros(window)
        self._history = np.empty((0, walks, 3))
        self._waiting: list[Array] = []
        self.frames = 0

    def add(self, walk: ArrayLike) -> None:
        """Take the next frames, (t, s, 3), or one, (s, 3); they go on where the last ended."""
        block = np.asarray(walk, dtype=float)
        block = block[None] if block.ndim == 2 else block
        if block.shape[1:] != (self.walks, 3):
            raise InputError(f"walks of shape {block.shape}, expected (t, {self.walks}, 3)")
        self._waiting.append(np.array(block))
        self.frames += len(block)
        if sum(map(len, self._waiting)) >= self.window:
            self._settle()

    def _settle(self) -> None:
        """Let what waits meet the history, in pieces of a window."""
        if not self._waiting:
            return
        new = np.concatenate(self._waiting)
        self._waiting = []
        for start in range(0, len(new), self.window):
            self._meet(new[start : start + self.window])

    def _meet(self, new: Array) -> None:
        old = len(self._history)
        x = np.concatenate([self._history, new])
        self._history = x[max(len(x) - self.window + 1, 0) :]
        x = x - x.mean(axis=0)  # displacements do not see it, and the difference loses fewer digits
        n, lags = len(x), min(self.window, len(x))
        k = np.arange(lags)
        first, second = self._pairs
        ends = self._products(x, first, second)
        late = ends[n] - ends[np.maximum(old, k)]
        early = ends[n - k] - ends[np.maximum(old - k, 0)]
        self._sums[:lags] += late + early - self._lagged(x, old, lags)
        self._counts[:lags] += n - np.maximum(old, k)

    @staticmethod
    def _products(x: Array, first: NDArray[Any], second: NDArray[Any]) -> Array:
        """Σ_{u < t} x_i(u)·x_j(u) for t = 0 … n, (n + 1, pairs)."""
        products = np.einsum("tpx,tpx->tp", x[:, first], x[:, second])
        return np.concatenate([np.zeros((1, len(first))), np.cumsum(products, axis=0)])

    def _lagged(self, x: Array, old: int, lags: int) -> Array:
        """Σ over new frames t of x_i(t)·x_j(t − k) + x_j(t)·x_i(t − k), (lags, pairs)."""
        length = fft.next_fast_len(len(x) + lags, real=True)
        result = np.empty((lags, len(self._pairs[0])))
        later = x.copy()
        later[:old] = 0.0
        step = len(result[0]) if self.crossed else max(1, (1 << 20) // length)
        spectra = self._spectra(x, later, length) if self.crossed else None
        for start in range(0, len(result[0]), step):
            part = slice(start, start + step)
            i, j = self._pairs[0][part], self._pairs[1][part]
            if spectra is None:
                whole, new = self._spectra(x[:, i], later[:, i], length)
                power = 2 * np.einsum("fpx,fpx->fp", new, whole.conj())
            else:
                whole, new = spectra
                power = np.einsum("fpx,fpx->fp", new[:, i], whole[:, j].conj())
                power += np.einsum("fpx,fpx->fp", new[:, j], whole[:, i].conj())
            result[:, part] = fft.irfft(power, length, axis=0)[:lags]
        return result

    @staticmethod
    def _spectra(x: Array, later: Array, length: int) -> tuple[Any, Any]:
        return fft.rfft(x, length, axis=0), fft.rfft(later, length, axis=0)

    def displacements(self) -> Array:
        """Return ⟨Δr_i·Δr_j⟩ over all origins, (lags, s), or (lags, s, s) where crossed."""
        self._settle()
        lags = max(min(self.window, self.frames), 1)
        means = self._sums[:lags] / np.maximum(self._counts[:lags], 1)[:, None]
        means[0] = 0.0
        if not self.crossed:
            return means
        square = np.empty((lags, self.walks, self.walks))
        first, second = self._pairs
        square[:, first, second] = square[:, second, first] = means
        return square

    def state(self) -> dict[str, Array]:
        """Return everything that is needed to go on, as arrays."""
        self._settle()
        return {
            "sums": self._sums,
            "counts": self._counts,
            "history": self._history,
            "frames": np.array(self.frames),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state.

        Raises:
            InputError: that of a correlator of another window or of other walks.
        """
        sums, history = np.asarray(state["sums"]), np.asarray(state["history"])
        if sums.shape != self._sums.shape or history.shape[1:] != (self.walks, 3):
            raise InputError("the saved observations have another window or other species")
        self._sums, self._history = sums.copy(), history.copy()
        self._counts, self.frames = np.array(state["counts"]), int(state["frames"])
        self._waiting = []
