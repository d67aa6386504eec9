"""Static structure factors: from g(r), and directly on the wave vectors of the box.

        S(q) = ⟨|Σ_j b_j e^(i q·r_j)|²⟩ / Σ_j b_j²,   q = 2π h·(cell⁻¹)ᵀ, h integers
        S(q) = 1 + 4π ρ ∫₀^R r² [g(r) − 1] sin(qr)/(qr) w(r) dr      (one kind of particle)

The direct sum has no truncation but only the wave vectors that the box allows. The integral is cut
at R and damped by Lorch's window w = sin(πr/R)/(πr/R), doi:10.1088/0022-3719/2/2/305.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elyte.analysis.curve import Curve
from elyte.analysis.statistics import mean
from elyte.analysis.structure.rdf import Rdf
from elyte.core.errors import InputError

Array = NDArray[np.float64]

GROUP = "Static structure factors"
_MOST_VECTORS = 20000
_LEAST_FRAMES = 8


def allowed_vectors(cell: ArrayLike, q_max: float) -> NDArray[np.int64]:
    """Return the integers h of wave vectors up to `q_max`, 1/Å, one of each pair ±h, (k, 3).

    Raises:
        InputError: no volume, none in the range, or more than can be summed.
    """
    box = np.asarray(cell, dtype=float)
    if box.shape != (3, 3) or not abs(np.linalg.det(box)) > 0:
        raise InputError("a structure factor needs a periodic box; the cell has no volume")
    if not (np.isfinite(q_max) and q_max > 0):
        raise InputError(f"the largest wave vector is {q_max}; it must be positive")
    reach = np.floor(q_max * np.linalg.norm(box, axis=1) / (2 * np.pi)).astype(int)
    if np.prod(2 * reach + 1) > 20 * _MOST_VECTORS:
        raise InputError(f"too many wave vectors up to {q_max:g} 1/Å; choose a smaller range")
    grid = np.indices(2 * reach + 1).reshape(3, -1).T - reach
    half = grid[len(grid) // 2 + 1 :]  # the grid is symmetric: the rest are the negatives
    lengths = np.linalg.norm(_wave_vectors(half, box), axis=1)
    found = half[lengths <= q_max]
    if not len(found):
        raise InputError(f"the box allows no wave vector up to {q_max:g} 1/Å")
    return np.asarray(found, dtype=np.int64)


def _wave_vectors(h: ArrayLike, cell: Array) -> Array:
    return np.asarray(2 * np.pi * np.asarray(h) @ np.linalg.inv(cell).T)


def structure_factor(
    positions: ArrayLike,
    cells: ArrayLike,
    q_max: float = 4.0,
    width: float = 0.1,
    weights: ArrayLike | None = None,
    species: str = "",
) -> Curve:
    """Return S(q) from the wave vectors that the box allows, with errors over time.

    Args:
        positions: Å, (T, n, 3).
        cells: Å, (T, 3, 3) or (3, 3).
        q_max: 1/Å.
        width: of the bins of |q|, 1/Å.
        weights: scattering lengths b, (n,); charges give the charge structure factor. None: ones.
        species: what it belongs to.

    Returns:
        Curve: bins without a wave vector are left out; an error that is not known is nan.

    Raises:
        InputError: no periodic box, shapes that do not fit, or weights that are all zero.
    """
    x = np.asarray(positions, dtype=float)
    if x.ndim != 3 or x.shape[-1] != 3 or not x.size or not np.isfinite(x).all():
        raise InputError(f"positions of shape {x.shape} or not finite; (frames, particles, 3)")
    box = np.broadcast_to(np.asarray(cells, dtype=float), (len(x), 3, 3))
    b = np.ones(x.shape[1]) if weights is None else np.asarray(weights, dtype=float)
    if b.shape != (x.shape[1],) or not (b**2).sum() > 0 or not width > 0:
        raise InputError("one weight is needed for each particle, not all zero, and a width")
    h = allowed_vectors(box.mean(axis=0), q_max)
    intensity, q = np.empty((len(x), len(h))), np.zeros(len(h))
    for t in range(len(x)):
        # h is fixed, so that in a box that breathes q breathes with it.
        amplitude = _amplitudes(x[t] @ np.linalg.inv(box[t]), b, h)
        intensity[t] = (amplitude.real**2 + amplitude.imag**2) / (b**2).sum()
        q += np.linalg.norm(_wave_vectors(h, box[t]), axis=1) / len(x)
    return _binned(q, intensity, width, species)


def _amplitudes(fractional: Array, b: Array, h: NDArray[np.int64]) -> NDArray[np.complex128]:
    """Return Σ_j b_j e^(2πi h·s_j) of the integers h, (k,).

    e^(2πi h·s) is a product of one factor for each axis: a matrix product sums over the particles
    for all h that share their first number, and only powers of three exponentials are needed.
    """
    reach = np.abs(h).max(axis=0)
    first, second, third = (_powers(fractional[:, k], int(reach[k])) for k in range(3))
    result = np.empty(len(h), dtype=np.complex128)
    for number in np.unique(h[:, 0]):
        mine = h[:, 0] == number
        plane = (first[number + reach[0]] * b * second) @ third.T
        result[mine] = plane[h[mine, 1] + reach[1], h[mine, 2] + reach[2]]
    return result


def _powers(s: Array, reach: int) -> NDArray[np.complex128]:
    """Return e^(2πi k s) for k = −reach … reach, (2 reach + 1, n)."""
    one = np.exp(2j * np.pi * s)
    table = np.empty((2 * reach + 1, len(s)), dtype=np.complex128)
    table[reach] = 1.0
    for k in range(1, reach + 1):
        table[reach + k] = table[reach + k - 1] * one
        table[reach - k] = table[reach + k].conj()
    return table


def _binned(q: Array, intensity: Array, width: float, species: str) -> Curve:
    bins = (q / width).astype(np.int64)
    present = np.unique(bins)
    found = [mean(intensity[:, bins == k].mean(axis=1)) for k in present]
    few = len(intensity) < _LEAST_FRAMES
    reason = f"only {len(intensity)} frames of at least {_LEAST_FRAMES}" if few else ""
    return Curve(
        "S(q)",
        np.array([q[bins == k].mean() for k in present]),
        np.array([m.value for m in found]),
        np.array([np.nan if reason else m.error for m in found]),
        "1/Å",
        "1",
        species or "direct",
        species,
        details={"wave_vectors": [int((bins == k).sum()) for k in present], "no_error": reason},
        group=GROUP,
    )


def structure_factor_from_rdf(
    rdf: Rdf, q: ArrayLike, window: bool = True, species: str = ""
) -> Curve:
    """Return S(q) of one kind of particle from its g(r).

    Without an error: those of the bins of g(r) are correlated in a way that is not known here.

    Args:
        rdf: of the particles with themselves.
        q: 1/Å, (k,).
        window: whether to damp the truncation.
        species: what it belongs to.

    Raises:
        InputError: wave vectors that are not positive.
    """
    k, r = np.atleast_1d(np.asarray(q, dtype=float)), rdf.r
    if k.ndim != 1 or not (k > 0).all():
        raise InputError("wave vectors must be positive")
    longest = float(rdf.edges[-1])
    damping = np.sinc(r / longest) if window else np.ones_like(r)
    kernel = r**2 * (rdf.g - 1) * damping * rdf.width
    y = 1 + 4 * np.pi * rdf.density * np.sinc(np.outer(k, r) / np.pi) @ kernel
    label = f"{species} from g(r)".strip()
    details = {"truncated_at_angstrom": longest, "no_error": "bins of g(r) are correlated"}
    return Curve("S(q)", k, y, None, "1/Å", "1", label, species, details, GROUP)
