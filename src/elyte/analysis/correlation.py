"""Time correlation functions by fast Fourier transforms, averaged over particles.

The power spectra of all particles are added before one inverse transform, and real input needs
only half a spectrum: one forward transform for each coordinate is all the work.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft

from elyte.analysis.pairs import threads
from elyte.core.errors import InputError

Array = NDArray[np.float64]

_BLOCK = 1 << 18  # values in one batch of transforms
_SHARES = 8  # of the batches, each done by one thread


def _columns(values: ArrayLike) -> Array:
    """Return (T, …) as (T, columns)."""
    array = np.asarray(values, dtype=float)
    if array.ndim < 1 or len(array) < 1:
        raise InputError("a correlation function needs at least one frame")
    return array.reshape(len(array), -1)


class _Transforms:
    """The spectra of some columns of (T, columns), batch by batch in one place of memory."""

    def __init__(self, frames: int, length: int, columns: int) -> None:
        self.padded = np.zeros((columns, length))
        self.spectrum = np.empty((columns, length // 2 + 1), dtype=complex)
        self.frames = frames

    def of(self, values: Array, centre: bool) -> tuple[Array, NDArray[np.complex128]]:
        """Return the columns as rows, each less its mean if wished, and their transforms."""
        count = values.shape[1]
        rows, spectra = self.padded[:count, : self.frames], self.spectrum[:count]
        rows[:] = values.T
        if centre:
            rows -= rows.mean(axis=1, keepdims=True)
        np.fft.rfft(self.padded[:count], axis=-1, out=spectra)
        return rows, spectra


def _summed(
    a: Array, b: Array | None, parts: list[slice], length: int, centre: bool
) -> tuple[Array, Array]:
    """Return the sums over the columns of some batches of the power spectra and the products."""
    power, products = np.zeros(length // 2 + 1), np.zeros(len(a))
    widest = max(part.stop - part.start for part in parts)
    of_a = _Transforms(len(a), length, widest)
    of_b = of_a if b is None else _Transforms(len(a), length, widest)
    for part in parts:
        rows, spectra = others, other_spectra = of_a.of(a[:, part], centre)
        if b is not None:
            others, other_spectra = of_b.of(b[:, part], centre)
        products += np.einsum("ct,ct->t", rows, others)
        power += np.einsum("cf,cf->f", spectra.real, other_spectra.real)
        power += np.einsum("cf,cf->f", spectra.imag, other_spectra.imag)
    return power, products


def _raw(a: Array, b: Array | None, lags: int, centre: bool = False) -> tuple[Array, Array]:
    """Σ_columns Σ_t a(t) b(t + k), symmetric in time when b is given, k < lags.

    With it comes Σ_columns a(t) b(t), (T,). `centre` subtracts each column's mean first. Threads
    take different columns; the sums are added in one order, whatever their number.
    """
    frames, columns = a.shape
    length = fft.next_fast_len(frames + lags - 1, real=True)
    step = max(1, _BLOCK // length)
    parts = [slice(k, min(k + step, columns)) for k in range(0, columns, step)]
    shares = [parts[k::_SHARES] for k in range(min(_SHARES, len(parts)))]
    workers = min(threads(), len(shares))
    with ThreadPoolExecutor(workers) if workers > 1 else nullcontext() as pool:
        mapped = map if pool is None else pool.map
        sums = list(mapped(lambda share: _summed(a, b, share, length, centre), shares))
    power, products = (np.sum([one[k] for one in sums], axis=0) for k in (0, 1))
    return np.fft.irfft(power, length)[:lags], products


def _lags(frames: int, lags: int | None) -> int:
    return frames if lags is None else max(1, min(int(lags), frames))


def autocorrelation(values: ArrayLike, lags: int | None = None) -> Array:
    """Return C(k) = ⟨v(t)·v(t + k)⟩, averaged over particles and time origins.

    Args:
        values: (T, n, d) or (T, d) of one particle.
        lags: number of lags; None: all.

    Returns:
        C, (lags,): dot product over d.
    """
    array = np.asarray(values, dtype=float)
    columns = _columns(array)
    particles = array.shape[1] if array.ndim == 3 else 1
    count = _lags(len(columns), lags)
    windows = len(columns) - np.arange(count)
    return _raw(columns, None, count)[0] / windows / particles


def cross_correlation(a: ArrayLike, b: ArrayLike, lags: int | None = None) -> Array:
    """Return ½⟨a(t)·b(t + k) + a(t + k)·b(t)⟩ of two series (T, d), (lags,)."""
    first, second = _columns(a), _columns(b)
    if first.shape != second.shape:
        raise InputError(f"series of shapes {first.shape} and {second.shape} cannot be correlated")
    count = _lags(len(first), lags)
    return _raw(first, second, count)[0] / (len(first) - np.arange(count))


def mean_squared_displacement(positions: ArrayLike, lags: int | None = None) -> Array:
    """Return ⟨|r(t + k) − r(t)|²⟩, averaged over particles and time origins.

    Args:
        positions: unwrapped, (T, n, d), or (T, d) of one particle.
        lags: number of lags; None: all.

    Returns:
        MSD in the square of the unit of `positions`, (lags,).
    """
    array = np.asarray(positions, dtype=float)
    particles = array.shape[1] if array.ndim == 3 else 1
    return _displacements(_columns(array), None, _lags(len(array), lags)) / particles


def cross_displacement(a: ArrayLike, b: ArrayLike, lags: int | None = None) -> Array:
    """Return ⟨Δa(k)·Δb(k)⟩ of two walks (T, d), (lags,)."""
    first, second = _columns(a), _columns(b)
    if first.shape != second.shape:
        raise InputError(f"walks of shapes {first.shape} and {second.shape} cannot be correlated")
    return _displacements(first, second, _lags(len(first), lags))


def _displacements(a: Array, b: Array | None, lags: int) -> Array:
    frames, k = len(a), np.arange(lags)
    raw, products = _raw(a, b, lags, centre=True)  # centred: less cancellation in the difference
    head = np.concatenate([[0.0], np.cumsum(products)])
    both_ends = head[frames - k] + (head[frames] - head[k])
    result = (both_ends - 2 * raw) / (frames - k)
    result[0] = 0.0
    return np.asarray(result)
