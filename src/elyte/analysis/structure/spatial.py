"""Spatial distribution functions: the density around a molecule in its own axes.

        g(x) = ⟨Σ_j δ(x − R_iᵀ (r_j − r_i))⟩ / ρ        (doi:10.1126/science.265.5176.1219)

R_i turns the axes of molecule i into those of the box: x points from an origin atom to a second
atom, y lies in the plane of a third. g is 1 where the density is that of the liquid.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ase.units import Bohr
from numpy.typing import ArrayLike, NDArray

from elyte.analysis.pairs import half_box
from elyte.analysis.structure.dihedrals import atoms_of, minimum_image
from elyte.analysis.structure.surroundings import Samples, set_of
from elyte.core.errors import InputError

Array = NDArray[np.float64]

BLOCKS = 16
_LEAST_BLOCKS = 3
_WINDOW = (3, 3, 3)  # cells that share how much wider the error is


@dataclass(frozen=True, eq=False)
class SpatialDistribution:
    """A density on a cubic grid around a molecule.

    Args:
        axis: middles of the cells along each of x, y and z, Å, (n,).
        g: density over that of the liquid, (n, n, n).
        g_error: standard error over time, widened where sets of molecules differ by more,
            (n, n, n); None for fewer than 3 frames.
        numbers: atomic numbers of the molecule, (m,).
        positions: mean positions of its atoms in its own axes, Å, (m, 3).
        reason: why errors are withheld, or "".
    """

    axis: Array
    g: Array
    g_error: Array | None
    numbers: NDArray[np.int64]
    positions: Array
    reason: str = ""


def local_axes(first: ArrayLike, second: ArrayLike) -> Array:
    """Return orthonormal axes, rows x, y, z, (…, 3, 3): x along `first`, y towards `second`.

    Raises:
        InputError: vectors of no length, or parallel ones.
    """
    u, v = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    normal = np.cross(u, v)
    area = np.linalg.norm(normal, axis=-1, keepdims=True)
    length = np.linalg.norm(u, axis=-1, keepdims=True)
    if not (area > 1e-6 * length * np.linalg.norm(v, axis=-1, keepdims=True)).all():
        raise InputError("three atoms on a line define no axes; choose others")
    x, z = u / length, normal / area
    return np.stack([x, np.cross(z, x), z], axis=-2)


def spatial_distribution(
    positions: ArrayLike,
    numbers: ArrayLike,
    molecules: ArrayLike,
    targets: ArrayLike,
    cells: ArrayLike,
    frame_atoms: tuple[int, int, int] = (0, 1, 2),
    extent: float = 5.0,
    bins: int = 40,
) -> SpatialDistribution:
    """Return the density of particles around molecules of one kind.

    Args:
        positions: Å, (T, n, 3).
        numbers: atomic numbers, (n,).
        molecules: atoms of each molecule, (k, m).
        targets: atoms whose density is wanted, (t,); those of the molecule itself are left out.
        cells: Å, (T, 3, 3) or (3, 3).
        frame_atoms: of the molecule: origin, along x, in the plane of x and y.
        extent: half of the edge of the grid, Å.
        bins: cells along each edge.

    Raises:
        InputError: atoms that are not there, a grid beyond the box, three atoms on a line.
    """
    size = np.shape(molecules)[-1] if np.ndim(molecules) == 2 else 3
    x, rows = atoms_of(positions, molecules, size)
    around = np.asarray(targets, dtype=np.int64)
    if not len(around) or around.min() < 0 or around.max() >= x.shape[1] or size < 3:
        raise InputError("a spatial distribution needs a molecule of three atoms, and targets")
    box = np.ascontiguousarray(np.broadcast_to(np.asarray(cells, float), (len(x), 3, 3)))
    if not 0 < extent * np.sqrt(3) <= half_box(box) or bins < 2:
        allowed = half_box(box) / np.sqrt(3)
        raise InputError(
            f"a grid of {bins} bins to {extent:g} Å; two or more bins are needed, "
            f"and the box allows up to {allowed:.4g} Å"
        )
    block = np.arange(len(x)) * min(BLOCKS, len(x)) // len(x)
    own = (around[None, :, None] == rows[:, None, :]).any(axis=-1)
    density = (~own).sum() / np.abs(np.linalg.det(box)).mean()
    edges = np.linspace(-extent, extent, bins + 1)
    of = set_of(np.arange(len(rows)))
    parts = block, of
    counts, by_set, mean_positions = _histogram(
        x, rows, around, own, box, frame_atoms, edges, parts
    )
    cell = (edges[1] - edges[0]) ** 3
    frames = np.bincount(block)
    blocks = counts / frames[:, None, None, None] / (density * cell)
    enough = len(blocks) >= _LEAST_BLOCKS
    # Possible pairs of each set.
    weight = np.bincount(of, (~own).sum(axis=1)).astype(float)
    sets = by_set / (weight / weight.sum())[:, None, None, None] / (frames.sum() * density * cell)
    return SpatialDistribution(
        axis=(edges[1:] + edges[:-1]) / 2,
        g=np.average(blocks, axis=0, weights=frames),
        g_error=Samples(blocks, sets, weight).error(_WINDOW) if enough else None,
        numbers=np.asarray(numbers, dtype=np.int64)[rows[0]],
        positions=mean_positions,
        reason="" if enough else "fewer than 3 frames",
    )


def _histogram(
    x: Array,
    rows: NDArray[np.int64],
    around: NDArray[np.int64],
    own: NDArray[np.bool_],
    box: Array,
    frame_atoms: tuple[int, int, int],
    edges: Array,
    parts: tuple[NDArray[np.int64], NDArray[np.int64]],
) -> tuple[Array, Array, Array]:
    """Counts in each block of frames and around each set of molecules, and mean positions.

    `parts` are the block of each frame and the set of each molecule; counts are (k, n, n, n),
    positions those of the molecule's atoms.
    """
    block, of = parts
    bins = len(edges) - 1
    shape = int(of.max()) + 1, bins, bins, bins
    counts, by_set = np.zeros((int(block.max()) + 1, *shape[1:])), np.zeros(shape)
    sets = np.broadcast_to(of[:, None], own.shape)[~own]
    inner = np.zeros((rows.shape[1], 3))
    origin, second, third = frame_atoms
    for t in range(len(x)):
        part = slice(t, t + 1)
        start = x[t, rows[:, origin], None]
        inside = minimum_image((x[t, rows] - start)[None], box[part])[0]
        turn = local_axes(inside[:, second], inside[:, third])
        inner += np.einsum("kab,kmb->ma", turn, inside) / (len(x) * len(rows))
        vectors = minimum_image((x[t, around] - start)[None], box[part])[0]
        local = np.einsum("kab,ktb->kta", turn, vectors)[~own]
        places = np.floor((local - edges[0]) / (edges[1] - edges[0])).astype(np.int64)
        inside_grid = ((places >= 0) & (places < bins)).all(axis=1)
        flat = np.ravel_multi_index((sets[inside_grid], *places[inside_grid].T), shape)
        found = np.bincount(flat, minlength=by_set.size).reshape(shape)
        by_set += found
        counts[block[t]] += found.sum(axis=0)
    return counts, by_set, inner


def write_cube(path: str | Path, found: SpatialDistribution, comment: str = "g(x)") -> None:
    """Write a spatial distribution as a Gaussian cube file (lengths in bohr)."""
    n, step = len(found.axis), found.axis[1] - found.axis[0]
    start, width = found.axis[0] / Bohr, step / Bohr
    lines = ["spatial distribution function", " ".join(comment.split())]
    lines.append(f"{len(found.numbers):5d}" + 3 * f"{start:12.6f}")
    for k in range(3):
        lines.append(f"{n:5d}" + "".join(f"{width * (k == j):12.6f}" for j in range(3)))
    for number, place in zip(found.numbers, found.positions / Bohr, strict=True):
        lines.append(f"{number:5d}{float(number):12.6f}" + "".join(f"{v:12.6f}" for v in place))
    for line in found.g.reshape(-1, n):
        lines += ["".join(f"{v:13.5E}" for v in line[k : k + 6]) for k in range(0, n, 6)]
    Path(path).write_text("\n".join(lines) + "\n", encoding="utf-8")
