"""Combined distributions of a distance and an angle, g(r, φ), and their correlation.

        g(r, φ) = V n(r, φ) / (N_pairs 2π r² Δr sin φ Δφ)
        c(r, φ) = P(r, φ) − P(r) P(φ)                       (doi:10.1021/ci200217w)

φ is the angle at a between an axis of its molecule and the vector from a to b; g is 1 for an ideal
gas. c is positive where distance and angle occur together more often than by chance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elyte.analysis.curve import Curve
from elyte.analysis.pairs import half_box, pairs_within
from elyte.analysis.structure.dihedrals import minimum_image
from elyte.analysis.structure.surroundings import Samples, bins_within, set_of
from elyte.core.errors import InputError

Array = NDArray[np.float64]

BLOCKS = 32
GROUP = "Combined distributions"
_LEAST_BLOCKS = 3
_ANGLES = 3  # neighbouring bins of φ that share how much wider the error is


@dataclass(frozen=True, eq=False)
class CombinedDistribution:
    """A distribution of distance and angle.

    Args:
        r: middles of the bins, Å, (k,).
        angle: middles of the bins, degrees, (m,).
        g: (k, m).
        g_error: standard error over time, widened where the surroundings of sets of a differ by
            more, (k, m); None for fewer than 3 frames.
        correlation: P(r, φ) − P(r) P(φ) within the range, 1/(Å °), (k, m).
        correlation_error: likewise.
        reason: why errors are withheld, or "".
        samples: of g, for errors of sums over bins; None without errors.
    """

    r: Array
    angle: Array
    g: Array
    g_error: Array | None
    correlation: Array
    correlation_error: Array | None
    reason: str = ""
    samples: Samples | None = None


def combined_distribution(
    a: ArrayLike,
    axes: ArrayLike,
    b: ArrayLike,
    cells: ArrayLike,
    r_max: float | None = None,
    bins: tuple[int, int] = (60, 36),
    groups: tuple[ArrayLike, ArrayLike] | None = None,
) -> CombinedDistribution:
    """Return g(r, φ) of b around a.

    Args:
        a: Å, (T, n_a, 3).
        axes: an axis of the molecule of each a (C→O, …), of any length, (T, n_a, 3).
        b: Å, (T, n_b, 3).
        cells: Å, (T, 3, 3) or (3, 3).
        r_max: Å; None: half the smallest distance of opposite faces of the box.
        bins: numbers of equal bins of r and φ.
        groups: molecules of a and of b; pairs within one are left out.

    Raises:
        InputError: shapes that do not fit, no pairs, an axis of no length, or too large a range.
    """
    first, second, axis = (np.asarray(x, dtype=float) for x in (a, b, axes))
    if axis.shape != first.shape:
        raise InputError(f"axes have shape {axis.shape}, positions of a {first.shape}")
    length = np.linalg.norm(axis, axis=-1)
    if not (length > 0).all():
        raise InputError("an axis has no length, so that no angle is defined")
    box = np.broadcast_to(np.asarray(cells, dtype=float), (len(first), 3, 3))
    reach = half_box(box) if r_max is None else float(r_max)
    if not 0 < reach <= half_box(box) * (1 + 1e-9):
        raise InputError(f"r_max is {reach:g} Å; half the box is {half_box(box):.4g} Å")
    edges = np.linspace(0, reach, bins[0] + 1), np.linspace(0, 180, bins[1] + 1)
    block = np.arange(len(first)) * min(BLOCKS, len(first)) // len(first)
    of = set_of(np.arange(first.shape[1]) if groups is None else groups[0])
    tally = _counts(first, second, axis / length[..., None], box, edges, (block, of), groups)
    n_pairs = _pair_count(first.shape[1], second.shape[1], groups)
    return _result(tally, n_pairs, edges, np.bincount(block), np.bincount(of))


@dataclass(frozen=True, eq=False)
class _Tally:
    """Pairs in each bin: of each block of frames, and around each set of a.

    Args:
        blocks: (blocks, k, m); `by_volume` the same times the volume of their frame.
        sets: (sets, k, m); likewise.
    """

    blocks: Array
    blocks_by_volume: Array
    sets: Array
    sets_by_volume: Array


def _counts(
    a: Array,
    b: Array,
    unit: Array,
    box: Array,
    edges: tuple[Array, Array],
    parts: tuple[NDArray[np.int64], NDArray[np.int64]],
    groups: tuple[ArrayLike, ArrayLike] | None,
) -> _Tally:
    """Count pairs; `parts` are the block of each frame and the set of each a."""
    block, of = parts
    bins = len(edges[0]) - 1, len(edges[1]) - 1
    shape = int(of.max()) + 1, *bins
    blocks = np.zeros((2, int(block.max()) + 1, *bins))
    sets = np.zeros((2, *shape))
    for t in range(len(a)):
        part = slice(t, t + 1)
        found = pairs_within(a[part], b[part], box[part], edges[0][-1], groups)
        i, j = found.index.T
        vectors = minimum_image((b[t, j] - a[t, i])[None], box[part])[0]
        apart = found.distance > 0
        cosine = np.einsum("ki,ki->k", vectors, unit[t, i])[apart] / found.distance[apart]
        angle = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
        places = of[i[apart]], _bin(found.distance[apart], edges[0]), _bin(angle, edges[1])
        flat = np.ravel_multi_index(places, shape)
        histogram = np.bincount(flat, minlength=int(np.prod(shape))).reshape(shape)
        both = np.stack([histogram, histogram * abs(np.linalg.det(box[t]))])
        sets += both
        blocks[:, block[t]] += both.sum(axis=1)
    return _Tally(*blocks, *sets)


def _bin(values: Array, edges: Array) -> NDArray[np.int64]:
    """Bin of each value among equal ones that start at 0."""
    return np.minimum((values / edges[1]).astype(np.int64), len(edges) - 2)


def _pair_count(n_a: int, n_b: int, groups: tuple[ArrayLike, ArrayLike] | None) -> int:
    pairs = n_a * n_b
    if groups is not None:
        of_a, of_b = (np.asarray(g, dtype=np.int64) for g in groups)
        pairs -= int((of_a[:, None] == of_b[None]).sum())
    if pairs <= 0:
        raise InputError("a combined distribution needs at least one pair of particles")
    return pairs


def _result(
    tally: _Tally,
    n_pairs: int,
    edges: tuple[Array, Array],
    frames: NDArray[np.int64],
    members: NDArray[np.int64],
) -> CombinedDistribution:
    shells = np.diff(edges[0] ** 3) / 3
    caps = -np.diff(np.cos(np.radians(edges[1])))
    space = 2 * np.pi * n_pairs * shells[:, None] * caps[None]
    blocks = tally.blocks_by_volume / space / frames[:, None, None]
    weight = members.astype(float)
    share = weight[:, None, None] / weight.sum()
    sets = tally.sets_by_volume / space / frames.sum() / share
    area = np.diff(edges[0])[:, None] * np.diff(edges[1])[None]
    total = tally.blocks.sum(axis=0)
    seen = np.count_nonzero(tally.blocks.sum(axis=(1, 2)))
    reason = "" if seen >= _LEAST_BLOCKS else "fewer than 3 blocks of frames with pairs"
    window = bins_within(float(edges[0][1])), _ANGLES
    correlation_error = None
    if not reason:
        around = tally.sets / share / frames.sum()
        change = _linear(tally.blocks / frames[:, None, None], total)
        correlation_error = Samples(change, _linear(around, total), weight).error(window) / area
    samples = Samples(blocks, sets, weight)
    return CombinedDistribution(
        r=(edges[0][1:] + edges[0][:-1]) / 2,
        angle=(edges[1][1:] + edges[1][:-1]) / 2,
        g=np.average(blocks, axis=0, weights=frames),
        g_error=None if reason else samples.error(window),
        correlation=_correlation(total) / area if total.any() else np.zeros_like(total),
        correlation_error=correlation_error,
        reason=reason,
        samples=None if reason else samples,
    )


def _correlation(counts: Array) -> Array:
    joint = counts / counts.sum()
    return np.asarray(joint - np.outer(joint.sum(axis=1), joint.sum(axis=0)))


def _linear(counts: Array, total: Array) -> Array:
    """Return P − P_r P − P P_φ of parts of the counts, whose mean varies as the correlation does.

    The derivative of P(r, φ) − P(r) P(φ) with respect to the counts; each part weighs as much as
    it has pairs.

    Args:
        counts: of the parts, (…, k, m), in one unit.
        total: their sum in any unit, (k, m).
    """
    joint = total / total.sum()
    r, angle = joint.sum(axis=1), joint.sum(axis=0)
    mine = counts / counts.sum(axis=(1, 2)).mean()
    change = mine - mine.sum(axis=(1, 2))[:, None, None] * joint
    return np.asarray(
        change - change.sum(axis=2)[..., None] * angle - r[:, None] * change.sum(axis=1)[:, None]
    )


def angle_curve(found: CombinedDistribution, low: float, high: float, species: str = "") -> Curve:
    """Return g(φ) at distances from `low` to `high`, Å: a cut through g(r, φ).

    Raises:
        InputError: no bin between them.
    """
    inside = (found.r >= low) & (found.r < high)
    if not inside.any():
        raise InputError(f"no bin of r lies between {low:g} and {high:g} Å")
    weight = found.r[inside] ** 2 / (found.r[inside] ** 2).sum()
    error = None
    if found.samples is not None:
        of = found.samples
        blocks, sets = (np.einsum("r,krm->km", weight, x[:, inside]) for x in (of.blocks, of.sets))
        error = Samples(blocks, sets, of.weight).error((_ANGLES,))
    label = f"{species} {low:g}–{high:g} Å".strip()
    details = {"from_angstrom": low, "to_angstrom": high}
    cut = weight @ found.g[inside]
    return Curve("g(φ)", found.angle, cut, error, "°", "1", label, species, details, GROUP)
