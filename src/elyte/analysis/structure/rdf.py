"""Radial distribution functions, running coordination numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elyte.analysis.curve import Curve
from elyte.analysis.pairs import distance_histogram, half_box
from elyte.analysis.structure.shell import Shell
from elyte.core.errors import InputError

Array = NDArray[np.float64]

BLOCKS = 8
_CHUNK = 256  # frames whose histograms are kept apart at a time


@dataclass(frozen=True, eq=False)
class Rdf:
    """A radial distribution function.

    Args:
        r: middles of the bins, Å, (k,).
        g: (k,).
        g_error: standard error from blocks of frames and runs, (k,), or None.
        coordination: mean number of b within the outer edge of each bin around an a, (k,).
        coordination_error: (k,), or None.
        density: number density of b around an a, 1/Å³.
    """

    r: Array
    g: Array
    g_error: Array | None
    coordination: Array
    coordination_error: Array | None
    density: float

    @property
    def width(self) -> float:
        """Width of the bins, Å."""
        return float(self.r[1] - self.r[0]) if len(self.r) > 1 else float(2 * self.r[0])

    @property
    def edges(self) -> Array:
        """Outer edges of the bins, Å, (k,)."""
        return np.asarray(self.r + self.width / 2)


def radial_distribution(
    a: ArrayLike | Sequence[ArrayLike],
    b: ArrayLike | Sequence[ArrayLike] | None,
    cells: ArrayLike | Sequence[ArrayLike],
    r_max: float | None = None,
    bins: int = 200,
    groups: tuple[ArrayLike, ArrayLike] | None = None,
) -> Rdf:
    """Return g(r) of b around a, averaged over frames and runs.

        g(r) = V n(r) / (N_pairs 4π r² Δr),   N(r) = ρ_b ∫ g 4π r² dr

    Args:
        a: Å, (T, n_a, 3), wrapped or not, or one such array for each run.
        b: likewise, or None: a with itself.
        cells: Å, (T, 3, 3), or one such array for each run.
        r_max: Å; None: half the smallest distance of opposite faces of the box.
        bins: number of equal bins.
        groups: molecules of the particles of a and of b; pairs within a molecule are left out.

    Raises:
        InputError: no particles, no pairs, or no periodic box.
    """
    runs_a, runs_cells = _runs(a, 3), _runs(cells, 3)
    runs_b: list[Any] = [None] * len(runs_a) if b is None else list(_runs(b, 3))
    reach = min(half_box(c) for c in runs_cells) if r_max is None else float(r_max)
    parts = [
        _blocks_of_run(x, y, c, reach, bins, groups, len(runs_a))
        for x, y, c in zip(runs_a, runs_b, runs_cells, strict=True)
    ]
    per_frame, by_volume, frames, volumes = (np.concatenate(p) for p in zip(*parts, strict=True))
    n_a = np.shape(runs_a[0])[1]
    n_b = None if runs_b[0] is None else runs_b[0].shape[1]
    n_pairs = _pair_count(n_a, n_b, groups)
    edges = np.linspace(0, reach, bins + 1)
    blocks = by_volume / (n_pairs * 4 / 3 * np.pi * np.diff(edges**3))
    running = np.cumsum(per_frame, axis=1) / n_a
    return Rdf(
        r=(edges[1:] + edges[:-1]) / 2,
        g=np.average(blocks, axis=0, weights=frames),
        g_error=_block_error(blocks),
        coordination=np.average(running, axis=0, weights=frames),
        coordination_error=_block_error(running),
        density=float(n_pairs / n_a / np.average(volumes, weights=frames)),
    )


def _blocks_of_run(
    a: Array,
    b: Array | None,
    cells: Array,
    reach: float,
    bins: int,
    groups: tuple[ArrayLike, ArrayLike] | None,
    runs: int,
) -> tuple[Array, Array, Array, Array]:
    """Means over blocks of one run: pairs n in each bin, V·n, frames, and volume.

    V and n are multiplied frame by frame, since in a box that breathes they are correlated.
    """
    block = _blocks(len(a), runs)
    frames = np.bincount(block).astype(float)
    box = np.broadcast_to(cells, (len(a), 3, 3))
    volume = np.abs(np.linalg.det(box))
    mean_volume = np.bincount(block, weights=volume) / frames
    if np.ptp(volume) < 1e-9 * volume[0]:
        counts = distance_histogram(a, b, box, reach, bins, block, groups) / frames[:, None]
        return counts, counts * mean_volume[:, None], frames, mean_volume
    counts, weighted = np.zeros((len(frames), bins)), np.zeros((len(frames), bins))
    for start in range(0, len(a), _CHUNK):
        part = slice(start, start + _CHUNK)
        each = np.arange(len(a[part]))
        other = None if b is None else b[part]
        found = distance_histogram(a[part], other, box[part], reach, bins, each, groups)
        np.add.at(counts, block[part], found)
        np.add.at(weighted, block[part], found * volume[part, None])
    return counts / frames[:, None], weighted / frames[:, None], frames, mean_volume


def _runs(values: ArrayLike | Sequence[ArrayLike], dimensions: int) -> list[Array]:
    first = np.asarray(values[0]) if isinstance(values, list | tuple) else np.asarray(values)
    if isinstance(values, list | tuple) and first.ndim == dimensions:
        return [np.asarray(v, dtype=float) for v in values]
    return [np.asarray(values, dtype=float)]


def _blocks(frames: int, runs: int) -> NDArray[np.int64]:
    count = max(1, min(frames, -(-BLOCKS // runs)))
    return np.arange(frames) * count // frames


def _pair_count(n_a: int, n_b: int | None, groups: tuple[ArrayLike, ArrayLike] | None) -> float:
    """Number of ordered pairs that are counted."""
    if groups is not None:
        first, second = (np.asarray(g, dtype=np.int64) for g in groups)
        size = max(first.max(), second.max()) + 1
        within = np.bincount(first, minlength=size) @ np.bincount(second, minlength=size)
        pairs = len(first) * len(second) - int(within)
    else:
        pairs = n_a * (n_a - 1) if n_b is None else n_a * n_b
    if pairs <= 0:
        raise InputError("a radial distribution function needs at least one pair of particles")
    return float(pairs)


def _block_error(blocks: Array) -> Array | None:
    if len(blocks) < 3:
        return None
    return np.asarray(blocks.std(axis=0, ddof=1) / np.sqrt(len(blocks)))


def coordination_at(rdf: Rdf, radius: float) -> float:
    """Return the running coordination number at a radius (Å), interpolated."""
    edges = np.concatenate([[0.0], rdf.edges])
    return float(np.interp(radius, edges, np.concatenate([[0.0], rdf.coordination])))


def rdf_curves(
    rdf: Rdf,
    species: str,
    shell: Shell | None = None,
    groups: tuple[str, str] = ("rdf", "coordination"),
) -> list[Curve]:
    """Return g(r) and the running coordination number for plots, in figures `groups`."""
    details: dict[str, object] = {"density": rdf.density}
    if shell is not None:
        details |= {"peak": shell.peak, "minimum": shell.minimum}
        if shell.reason:
            details["no_shell"] = shell.reason
    return [
        Curve(
            "g(r)", rdf.r, rdf.g, rdf.g_error, "Å", "1", species, species, dict(details), groups[0]
        ),
        Curve(
            "coordination number",
            rdf.edges,
            rdf.coordination,
            rdf.coordination_error,
            "Å",
            "1",
            species,
            species,
            dict(details),
            groups[1],
        ),
    ]
