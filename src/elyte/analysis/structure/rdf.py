"""Radial distribution functions, running coordination numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elyte.analysis.curve import Curve
from elyte.analysis.pairs import distance_histogram, half_box
from elyte.analysis.statistics import standard_errors
from elyte.analysis.stream import Positions
from elyte.analysis.structure.shell import Shell
from elyte.analysis.structure.surroundings import (
    Surroundings,
    bins_within,
    scatter,
    surroundings,
    widened,
)
from elyte.core.errors import InputError

Array = NDArray[np.float64]

BLOCKS = 64
"""Of frames of all runs, whose histograms are kept for the errors."""
_LEAST_BLOCKS = 3
_MOST_PAIRS = 2e9  # distances of all frames, beyond which groups of a are not counted apart
_CHUNK = 256  # frames whose histograms are kept apart at a time


@dataclass(frozen=True, eq=False)
class Rdf:
    """A radial distribution function.

    Args:
        r: middles of the bins, Å, (k,).
        g: (k,).
        g_error: standard error from blocks of frames of all runs and their correlation, widened
            where groups of a differ by more than it, (k,), or None.
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
    a: ArrayLike | Positions | Sequence[ArrayLike | Positions],
    b: ArrayLike | Positions | Sequence[ArrayLike | Positions] | None,
    cells: ArrayLike | Sequence[ArrayLike],
    r_max: float | None = None,
    bins: int = 200,
    groups: tuple[ArrayLike, ArrayLike] | None = None,
) -> Rdf:
    """Return g(r) of b around a, averaged over frames and runs.

        g(r) = V n(r) / (N_pairs 4π r² Δr),   N(r) = ρ_b ∫ g 4π r² dr

    Args:
        a: Å, (T, n_a, 3), wrapped or not, or one such array for each run; `Positions` are read
            block by block.
        b: likewise, or None: a with itself.
        cells: Å, (T, 3, 3) or (3, 3), or one such array for each run.
        r_max: Å; None: half the smallest distance of opposite faces of the box.
        bins: number of equal bins.
        groups: molecules of the particles of a and of b; pairs within a molecule are left out.

    Raises:
        InputError: no particles, no pairs, or no periodic box.
    """
    runs_a = _runs(a)
    runs_b: list[Positions | None] = [None] * len(runs_a) if b is None else [*_runs(b)]
    boxes = _boxes(cells, runs_a)
    reach = min(half_box(c) for c in boxes) if r_max is None else float(r_max)
    n_a = runs_a[0].shape[1]
    n_b = None if runs_b[0] is None else runs_b[0].shape[1]
    work = sum(map(len, runs_a)) * n_a * (n_a if n_b is None else n_b)
    sets = [surroundings(n_a, len(runs_a), bins, groups) for _ in runs_a if work <= _MOST_PAIRS]
    parts = [
        _blocks_of_run(x, y, c, reach, bins, groups, len(runs_a), of)
        for x, y, c, of in zip_longest(runs_a, runs_b, boxes, sets)
    ]
    n_pairs = _pair_count(n_a, n_b, groups)
    edges = np.linspace(0, reach, bins + 1)
    shells = n_pairs * 4 / 3 * np.pi * np.diff(edges**3)
    g, g_error = _mean([p.by_volume / shells for p in parts], [p.frames for p in parts])
    running, running_error = _mean(
        [np.cumsum(p.counts, axis=1) / n_a for p in parts], [p.frames for p in parts]
    )
    between = scatter(sets, n_b is None)
    if between is not None and g_error is not None and running_error is not None:
        by_volume = between.by_volume * n_a / shells
        g_error = widened(g_error, by_volume, between.sets, (bins_within(reach / bins),))
        running_error = widened(running_error, between.running, between.sets)
    frames = np.concatenate([p.frames for p in parts])
    volume = np.average(np.concatenate([p.volumes for p in parts]), weights=frames)
    return Rdf(
        r=(edges[1:] + edges[:-1]) / 2,
        g=g,
        g_error=g_error,
        coordination=running,
        coordination_error=running_error,
        density=float(n_pairs / n_a / volume),
    )


@dataclass(frozen=True, eq=False)
class _Blocks:
    """Means over blocks of frames of one run: pairs n in each bin, V·n, frames, volume."""

    counts: Array
    by_volume: Array
    frames: Array
    volumes: Array


def _blocks_of_run(
    a: Positions,
    b: Positions | None,
    cells: Array,
    reach: float,
    bins: int,
    groups: tuple[ArrayLike, ArrayLike] | None,
    runs: int,
    sets: Surroundings | None,
) -> _Blocks:
    """Count pairs block by block, reading only some frames at a time.

    V and n are multiplied frame by frame, since in a box that breathes they are correlated.
    """
    block = _blocks(len(a), runs)
    frames = np.bincount(block).astype(float)
    volume = np.abs(np.linalg.det(cells))
    steady = bool(np.ptp(volume) < 1e-9 * volume[0])
    counts, weighted = np.zeros((len(frames), bins)), np.zeros((len(frames), bins))
    for part in _parts(a, b):
        mine = block[part] - block[part][0]
        each = mine if steady else np.arange(len(mine))
        other = None if b is None else b[part]
        if sets is None:
            found = distance_histogram(a[part], other, cells[part], reach, bins, each, groups)
        else:  # the sets together are all particles
            by_frame = sets.add(a[part], other, cells[part], volume[part], reach)
            found = np.zeros((int(each[-1]) + 1, bins), dtype=np.int64)
            np.add.at(found, each, by_frame)
        if steady:
            counts[block[part][0] : block[part][-1] + 1] += found
        else:
            np.add.at(counts, block[part], found)
            np.add.at(weighted, block[part], found * volume[part, None])
    if steady:
        weighted = counts * volume[0]
    of = frames[:, None]
    return _Blocks(counts / of, weighted / of, frames, np.bincount(block, volume) / frames)


def _parts(a: Positions, b: Positions | None) -> Iterator[slice]:
    """Frames to read at a time: not more than their histograms, or either set, should take."""
    step = min(_CHUNK, a.block_length, a.block_length if b is None else b.block_length)
    return (slice(k, min(k + step, len(a))) for k in range(0, len(a), step))


def _runs(values: Any) -> list[Positions]:
    """One set of positions, or one for each run."""
    several = isinstance(values, list | tuple) and np.ndim(values[0]) == 3
    return [Positions.of(v) for v in (values if several else [values])]


def _boxes(cells: Any, runs: Sequence[Positions]) -> list[Array]:
    """Cells (T, 3, 3) of each run, from such, from one (3, 3) for each, or one for all."""
    several = isinstance(cells, list | tuple) and len(cells) == len(runs) and np.ndim(cells[0]) > 1
    given = cells if several else [cells] * len(runs)
    return [
        np.broadcast_to(np.asarray(c, dtype=float), (len(run), 3, 3))
        for c, run in zip(given, runs, strict=True)
    ]


def _blocks(frames: int, runs: int) -> NDArray[np.int64]:
    count = max(1, min(frames, -(-BLOCKS // runs)))
    return np.arange(frames) * count // frames


def _mean(blocks: Sequence[Array], frames: Sequence[Array]) -> tuple[Array, Array | None]:
    """Mean over blocks of all runs, weighted by their frames, and its error."""
    weights = np.concatenate(frames)
    mean = np.average(np.concatenate(blocks), axis=0, weights=weights)
    return mean, standard_errors(blocks) if len(weights) >= _LEAST_BLOCKS else None


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
