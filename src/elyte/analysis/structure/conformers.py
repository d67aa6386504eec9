"""Conformers: TFSI by the angles of C and N about S–S, PYR14 by two distances, or user-defined.

TFSI (φ the dihedral C–S–S–C, ψ the dihedral C–S–S–N about the same axis; N "in between" where
0 < ψ/φ < 1):

        Cis: |φ| < 90°, N in between       aCis: |φ| < 90°, N outside
        Trans: |φ| ≥ 90°, N in between     aTrans: |φ| ≥ 90°, N outside

PYR14 (r₂ from the end of the butyl tail to the methyl carbon, r₁ to the nearest ring carbon at N):

        anti: r₂ ≥ 6 Å       gauche: r₂ < 6 Å

Cis and trans isomers of TFSI: doi:10.1021/jp0612477. Near φ = 180° a small motion turns Trans into
aTrans. Where another study draws other borders, `conformers` takes them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elyte.analysis.structure.dihedrals import atoms_of, dihedrals, minimum_image, molecule_share
from elyte.core.errors import InputError
from elyte.core.quantity import Quantity

Array = NDArray[np.float64]
States = NDArray[np.int64]

TFSI = ("Cis", "aCis", "Trans", "aTrans")
PYR14 = ("anti", "gauche")
ANTI_FROM = 6.0
"""Å; r₂ of PYR14 from which the butyl tail is anti."""


def tfsi_angles(
    positions: ArrayLike, atoms: ArrayLike, cells: ArrayLike | None = None
) -> tuple[Array, Array]:
    """Return φ and ψ of TFSI, degrees, (T, k) each.

    Args:
        positions: Å, (T, n, 3).
        atoms: C, S, N, S, C along each molecule, (k, 5) (`tfsi_atoms`).
        cells: Å, where molecules are not whole.
    """
    _, rows = atoms_of(positions, atoms, 5)
    phi = dihedrals(positions, rows[:, [0, 1, 3, 4]], cells)
    return phi, dihedrals(positions, rows[:, [0, 1, 3, 2]], cells)


def tfsi_conformers(phi: ArrayLike, psi: ArrayLike) -> States:
    """Return which of `TFSI` each molecule is, 0 … 3, in the shape of φ and ψ (degrees).

    Raises:
        InputError: angles of different shapes, or not finite.
    """
    first, second = np.asarray(phi, dtype=float), np.asarray(psi, dtype=float)
    if first.shape != second.shape:
        raise InputError(f"φ has shape {first.shape}, ψ has {second.shape}")
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise InputError("the angles of TFSI hold values that are not finite")
    turned = second * np.where(first < 0, -1, 1)  # mirror images are one conformer
    between = (turned > 0) & (turned < np.abs(first))
    return np.asarray(2 * (np.abs(first) >= 90) + ~between, dtype=np.int64)


def pyr14_distances(
    positions: ArrayLike, atoms: ArrayLike, cells: ArrayLike | None = None
) -> tuple[Array, Array]:
    """Return r₁ and r₂ of PYR14, Å, (T, k) each.

    Args:
        positions: Å, (T, n, 3).
        atoms: end of the tail, methyl C, both ring C at N of each molecule, (k, 4)
            (`pyr14_atoms`).
        cells: Å, where molecules are not whole.
    """
    x, rows = atoms_of(positions, atoms, 4)
    vectors = x[:, rows[:, 1:]] - x[:, rows[:, :1]]
    lengths = np.linalg.norm(minimum_image(vectors, cells), axis=-1)
    return np.asarray(lengths[..., 1:].min(axis=-1)), np.asarray(lengths[..., 0])


def pyr14_conformers(r2: ArrayLike, anti_from: float = ANTI_FROM) -> States:
    """Return 0 (anti) or 1 (gauche) from r₂, Å, in its shape."""
    lengths = np.asarray(r2, dtype=float)
    if not np.isfinite(lengths).all():
        raise InputError("the distances of PYR14 hold values that are not finite")
    return np.asarray(lengths < anti_from, dtype=np.int64)


def conformers(
    variables: Sequence[ArrayLike],
    regions: Mapping[str, Sequence[tuple[float, float]]],
    period: float | None = None,
) -> States:
    """Return the user's conformer of each molecule: the first region that holds it, (T, k).

    Args:
        variables: angles or distances, (T, k) each.
        regions: name → (low, high) for each variable, low ≤ x < high; −1 where none holds.
        period: of the variables (360 for angles: (150, −150) is then around 180), or None.

    Raises:
        InputError: variables of different shapes, or a region that does not fit them.
    """
    values = [np.asarray(v, dtype=float) for v in variables]
    if not values or not regions or len({v.shape for v in values}) != 1:
        raise InputError("conformers need regions, and variables of one shape")
    if any(not np.isfinite(v).all() for v in values):
        raise InputError("the variables of conformers hold values that are not finite")
    states = np.full(values[0].shape, -1, dtype=np.int64)
    for number, (name, bounds) in enumerate(regions.items()):
        if len(bounds) != len(values):
            raise InputError(f"region '{name}' bounds {len(bounds)} of {len(values)} variables")
        inside = np.ones(states.shape, dtype=bool)
        for value, (low, high) in zip(values, bounds, strict=True):
            inside &= _within(value, low, high, period)
        states[inside & (states < 0)] = number
    return states


def _within(value: Array, low: float, high: float, period: float | None) -> NDArray[np.bool_]:
    if period is None:
        return (value >= low) & (value < high)
    width = (high - low) % period or period
    return np.asarray((value - low) % period < width)


def conformer_populations(
    runs: Sequence[ArrayLike],
    names: Sequence[str],
    species: str = "",
    temperature: float | None = None,
) -> list[Quantity]:
    """Return the fraction of each conformer with its error; withheld where it is not known.

    Args:
        runs: conformer of each molecule, index of a name or −1, (frames, k) each.
        names: `TFSI`, `PYR14`, or the user's.
        species: what it belongs to.
        temperature: K.

    Raises:
        InputError: no runs, or an index without a name.
    """
    states = [np.asarray(run) for run in runs]
    if not states or any(s.ndim != 2 or not s.size or s.dtype.kind not in "iu" for s in states):
        raise InputError("populations need conformers as indices, (frames, k) for each run")
    if max(int(s.max()) for s in states) >= len(names):
        raise InputError(f"a conformer has an index that none of {', '.join(names)} has")
    method = "fraction of molecules and time; error over molecules, or over time for few"
    return [
        molecule_share([(s == k).astype(float) for s in states]).quantity(
            "conformer fraction",
            "1",
            method,
            species=f"{species} {name}".strip(),
            temperature=temperature,
        )
        for k, name in enumerate(names)
    ]


def _neighbours(numbers: ArrayLike, bonds: ArrayLike) -> tuple[NDArray[np.int64], list[list[int]]]:
    z, pairs = np.asarray(numbers, dtype=np.int64), np.asarray(bonds, dtype=np.int64)
    if pairs.ndim != 2 or pairs.shape[1] != 2:
        raise InputError(f"bonds have shape {pairs.shape}, expected (m, 2)")
    around: list[list[int]] = [[] for _ in z]
    for i, j in pairs.tolist():
        around[i].append(j)
        around[j].append(i)
    return z, around


def tfsi_atoms(numbers: ArrayLike, bonds: ArrayLike) -> NDArray[np.int64]:
    """Find all C–S–N–S–C chains with two S at N (TFSI and its like), (k, 5).

    Raises:
        InputError: there is none.
    """
    z, around = _neighbours(numbers, bonds)
    rows = []
    for nitrogen in np.flatnonzero(z == 7).tolist():
        sulfur = sorted(j for j in around[nitrogen] if z[j] == 16)
        carbon = [[k for k in around[s] if z[k] == 6] for s in sulfur]
        if len(sulfur) == 2 and all(len(c) == 1 for c in carbon):
            rows.append([carbon[0][0], sulfur[0], nitrogen, sulfur[1], carbon[1][0]])
    if not rows:
        raise InputError("no molecule has the chain C–S–N–S–C of TFSI")
    return np.array(rows, dtype=np.int64)


def pyr14_atoms(numbers: ArrayLike, bonds: ArrayLike) -> NDArray[np.int64]:
    """Find the end of the tail, the methyl C and both ring C at N of all PYR14, (k, 4).

    Raises:
        InputError: there is none.
    """
    z, around = _neighbours(numbers, bonds)
    carbons = [[j for j in near if z[j] == 6] for near in around]
    rows = []
    for nitrogen in np.flatnonzero(z == 7).tolist():
        chains = {c: _chain(c, nitrogen, carbons) for c in sorted(carbons[nitrogen])}
        methyl = [c for c, chain in chains.items() if len(chain) == 1]
        ring = [c for c, chain in chains.items() if len(chain) == 4 and chain[-1] in chains]
        tail = [ch[-1] for ch in chains.values() if len(ch) == 4 and ch[-1] not in chains]
        if (len(methyl), len(ring), len(tail)) == (1, 2, 1):
            rows.append([tail[0], methyl[0], *ring])
    if not rows:
        raise InputError("no molecule is N-butyl-N-methylpyrrolidinium")
    return np.array(rows, dtype=np.int64)


def _chain(first: int, nitrogen: int, carbons: list[list[int]]) -> list[int]:
    """Follow unbranched carbons away from N until they end, or come back to it."""
    chain = [first]
    while len(onward := [c for c in carbons[chain[-1]] if c not in chain and c != nitrogen]) == 1:
        chain.append(onward[0])
    return chain
