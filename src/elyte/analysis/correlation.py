"""Time correlation functions by fast Fourier transforms, averaged over particles.

The power spectra of all particles are added before one inverse transform, and real input needs
only half a spectrum: one forward transform for each coordinate is all the work.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft

from elyte.analysis.pairs import threads
from elyte.core.errors import InputError

Array = NDArray[np.float64]

_BLOCK = 1 << 20  # values in one batch of transforms: buffers of this size are reused by malloc


def _columns(values: ArrayLike) -> Array:
    """Return (T, …) as (T, columns)."""
    array = np.asarray(values, dtype=float)
    if array.ndim < 1 or len(array) < 1:
        raise InputError("a correlation function needs at least one frame")
    return array.reshape(len(array), -1)


def _batches(columns: int, length: int) -> Iterator[slice]:
    step = max(1, _BLOCK // length)
    return (slice(k, min(k + step, columns)) for k in range(0, columns, step))


def _centred(a: Array, part: slice, centre: bool) -> Array:
    block = np.ascontiguousarray(a[:, part].T)
    if centre:
        block -= block.mean(axis=1, keepdims=True)
    return block


def _raw(a: Array, b: Array | None, lags: int, centre: bool = False) -> tuple[Array, Array]:
    """Σ_columns Σ_t a(t) b(t + k), symmetric in time when b is given, k < lags.

    With it comes Σ_columns a(t) b(t), (T,). `centre` subtracts each column's mean first.
    """
    frames, columns = a.shape
    length = fft.next_fast_len(frames + lags - 1, real=True)
    power, products = np.zeros(length // 2 + 1), np.zeros(frames)
    for part in _batches(columns, length):
        block = _centred(a, part, centre)
        spectrum = fft.rfft(block, length, workers=threads())
        if b is None:
            other_block, other = block, spectrum
        else:
            other_block = _centred(b, part, centre)
            other = fft.rfft(other_block, length, workers=threads())
        products += np.einsum("ct,ct->t", block, other_block)
        power += np.einsum("cf,cf->f", spectrum.real, other.real)
        power += np.einsum("cf,cf->f", spectrum.imag, other.imag)
    return np.asarray(fft.irfft(power, length)[:lags]), products


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
