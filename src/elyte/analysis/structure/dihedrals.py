"""Dihedral angles: series, distributions, and distributions over growing times.

        φ = atan2(b₂/|b₂| · [(b₁ × b₂) × (b₂ × b₃)], (b₁ × b₂)·(b₂ × b₃)),   φ(trans) = ±180°

The sign is IUPAC's (doi:10.1351/goldbook.T06406); b are the vectors between the four atoms.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elyte.analysis.curve import Curve
from elyte.analysis.intervals import Mean, fraction
from elyte.analysis.statistics import mean
from elyte.core.errors import InputError
from elyte.core.quantity import Quantity

Array = NDArray[np.float64]

GROUP = "Dihedral distributions"


def minimum_image(vectors: ArrayLike, cells: ArrayLike | None) -> Array:
    """Return vectors, (T, …, 3), by their nearest image in cells, (T, 3, 3) or (3, 3), Å.

    Right for vectors shorter than half the box, such as bonds; None: molecules are whole.
    """
    v = np.asarray(vectors, dtype=float)
    if cells is None:
        return v
    box = np.broadcast_to(np.asarray(cells, dtype=float), (len(v), 3, 3))
    fractional = np.einsum("t...i,tij->t...j", v, np.linalg.inv(box))
    return np.asarray(v - np.einsum("t...i,tij->t...j", np.round(fractional), box))


def atoms_of(
    positions: ArrayLike, indices: ArrayLike, size: int
) -> tuple[Array, NDArray[np.int64]]:
    """Check positions, (T, n, 3), and rows of `size` atoms, (k, size).

    Raises:
        InputError: other shapes, atoms that are not there or named twice, values not finite.
    """
    x, index = np.asarray(positions, dtype=float), np.asarray(indices)
    if x.ndim != 3 or x.shape[-1] != 3 or not x.size:
        raise InputError(f"positions have shape {x.shape}, expected (frames, atoms, 3)")
    if index.ndim != 2 or index.shape[1] != size or not len(index) or index.dtype.kind not in "iu":
        raise InputError(f"atoms have shape {index.shape}, expected rows of {size} indices")
    if index.min() < 0 or index.max() >= x.shape[1]:
        raise InputError(f"atom {index.max()} or {index.min()} is not among {x.shape[1]} atoms")
    if any(len(set(row)) < size for row in index.tolist()):
        raise InputError(f"each row needs {size} different atoms")
    if not np.isfinite(x[:, np.unique(index)]).all():
        raise InputError("positions hold values that are not finite")
    return x, index.astype(np.int64)


def dihedrals(positions: ArrayLike, indices: ArrayLike, cells: ArrayLike | None = None) -> Array:
    """Return dihedral angles in degrees, −180 … 180, (T, k).

    Args:
        positions: Å, (T, n, 3).
        indices: the four atoms of each dihedral, (k, 4).
        cells: Å, (T, 3, 3), where molecules are not whole; None: they are.

    Raises:
        InputError: as in `atoms_of`.
    """
    x, index = atoms_of(positions, indices, 4)
    bonds = [minimum_image(x[:, index[:, k + 1]] - x[:, index[:, k]], cells) for k in range(3)]
    first, second = np.cross(bonds[0], bonds[1]), np.cross(bonds[1], bonds[2])
    length = np.linalg.norm(bonds[1], axis=-1)
    sine = length * np.einsum("tki,tki->tk", bonds[0], second)
    cosine = np.einsum("tki,tki->tk", first, second)
    return np.asarray(np.degrees(np.arctan2(sine, cosine)))


def _runs(runs: Sequence[ArrayLike]) -> list[Array]:
    angles = [np.asarray(run, dtype=float) for run in runs]
    if not angles or any(a.ndim != 2 or not a.size for a in angles):
        raise InputError("a distribution needs dihedral angles, (frames, k) for each run")
    if any(not np.isfinite(a).all() for a in angles):
        raise InputError("dihedral angles hold values that are not finite")
    return angles


def _occupation(angles: list[Array], low: float, high: float) -> list[Array]:
    """1 where an angle lies in low … high, going up from low and round the circle."""
    width = (high - low) % 360 or 360.0
    return [(((a - low) % 360) < width).astype(float) for a in angles]


def molecule_share(inside: list[Array]) -> Mean:
    """Return the share of molecules and time in a state, from 0 and 1, (frames, k) each run.

    Molecules are independent samples; where there are fewer than 8 the time series of their mean
    tells the error.
    """
    samples = np.concatenate([x.mean(axis=0) for x in inside])
    if len(samples) >= 8:
        return fraction(samples)
    if samples.min() == samples.max() and samples[0] in (0.0, 1.0):
        reason = f"none of {len(samples)} molecules ever {'leaves' if samples[0] else 'enters'} it"
        return Mean(float(samples[0]), np.nan, np.nan, 1.0, reason)
    return mean([x.mean(axis=1) for x in inside])


def dihedral_population(
    runs: Sequence[ArrayLike],
    low: float,
    high: float,
    species: str = "",
    temperature: float | None = None,
) -> Quantity:
    """Return the fraction of dihedrals between two angles, with its error.

    Args:
        runs: degrees, (frames, k) each (`dihedrals`).
        low, high: degrees; from low upwards to high, so that 150 … −150 is around 180.
        species: what it belongs to.
        temperature: K.
    """
    found = molecule_share(_occupation(_runs(runs), low, high))
    return found.quantity(
        "dihedral population",
        "1",
        f"fraction between {low:g}° and {high:g}°; error over molecules, or over time for few",
        species=species,
        temperature=temperature,
        details={"from_degrees": low, "to_degrees": high},
    )


def dihedral_distribution(runs: Sequence[ArrayLike], bins: int = 72, species: str = "") -> Curve:
    """Return the probability density of a dihedral, 1/°, over −180 … 180°, with errors.

    Args:
        runs: degrees, (frames, k) each.
        bins: number of equal bins.
        species: what it belongs to.
    """
    angles = _runs(runs)
    if bins < 1:
        raise InputError(f"a distribution needs at least one bin, not {bins}")
    edges = np.linspace(-180, 180, bins + 1)
    shares = [molecule_share(_occupation(angles, low, high)) for low, high in pairwise(edges)]
    width = 360 / bins
    return Curve(
        "dihedral distribution",
        (edges[1:] + edges[:-1]) / 2,
        np.array([m.value for m in shares]) / width,
        np.array([m.error for m in shares]) / width,
        "°",
        "1/°",
        species,
        species,
        group=GROUP,
    )


def dihedral_over_time(
    runs: Sequence[ArrayLike], timestep: float, times: int = 5, bins: int = 72, species: str = ""
) -> list[Curve]:
    """Return the distribution over the first part of the runs, doubling until all of it.

    A distribution that still changes from one curve to the next has not converged.

    Args:
        runs: degrees, (frames, k) each.
        timestep: fs between frames.
        times: number of curves.
        bins: number of equal bins.
        species: what it belongs to.

    Raises:
        InputError: no positive time step, or fewer frames than the shortest part needs.
    """
    angles = _runs(runs)
    if not (np.isfinite(timestep) and timestep > 0):
        raise InputError(f"growing times need the time between frames (fs); it is {timestep}")
    longest = max(map(len, angles))
    if times < 1 or longest < 2 ** (times - 1):
        raise InputError(f"{longest} frames cannot be halved {times - 1} times")
    curves = []
    for k in reversed(range(times)):
        frames = longest // 2**k
        curve = dihedral_distribution([a[:frames] for a in angles], bins, species)
        time = frames * timestep / 1000
        label = f"{species} first {time:.4g} ps".strip()
        details = {"time_ps": time}
        curves.append(
            Curve(
                curve.name, curve.x, curve.y, curve.y_error, "°", "1/°", label, species, details,
                f"{GROUP} over growing times",
            )
        )  # fmt: skip
    return curves
