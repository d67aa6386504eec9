"""Molecules in vacuum: isolated atoms, conformers, dimers, and clusters of ions and solvent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from ase.data import atomic_numbers
from numpy.typing import NDArray

from elyte.chemistry import conformer, find_species
from elyte.chemistry.conformers import molecule_of
from elyte.chemistry.determined import neutral_units
from elyte.chemistry.species import element_counts
from elyte.core.errors import InputError
from elyte.core.frame import Frame

METAL_CONTACT, CONTACT = 2.0, 2.4
"""Distance of the nearest atoms of two molecules in contact, with a metal ion and without, Å."""
NEAREST, FARTHEST = 1.7, 6.0
"""Distances of the nearest atoms in the scan of dimers, Å."""
_FAR = 30.0
_SAME = 0.3  # Å: conformers whose sorted interatomic distances differ less are one


def isolated_atoms(species: Sequence[str]) -> list[Frame]:
    """Return each element that occurs in the species, alone and without a box."""
    symbols = sorted({s for name in species for s in element_counts(find_species(name))})
    return [one_atom(atomic_numbers[symbol]) for symbol in symbols]


def one_atom(number: int) -> Frame:
    """Return one atom without a box."""
    return Frame(np.array([number]), np.zeros((1, 3)), molecules=np.zeros(1, dtype=np.int64))


def conformers(species: str, number: int, seed: int = 0) -> list[Frame]:
    """Return different conformers of a species in vacuum, at most `number`.

    Two are the same when their sorted interatomic distances agree within 0.3 Å at the worst; a
    rigid molecule has one.

    Raises:
        InputError: a number below 1.
    """
    if number < 1:
        raise InputError(f"{number} conformers are no number of conformers")
    found: list[Frame] = []
    prints: list[NDArray[np.float64]] = []
    for k in range(8 * number):
        frame = conformer(species, seed + k)
        mark = _fingerprint(frame)
        if all(np.abs(mark - other).max(initial=0.0) > _SAME for other in prints):
            found.append(frame)
            prints.append(mark)
        if len(found) == number:
            break
    return found


def _fingerprint(frame: Frame) -> NDArray[np.float64]:
    heavy = frame.positions[frame.numbers > 1]
    vectors = heavy[:, None] - heavy[None]
    return np.sort(np.linalg.norm(vectors, axis=2)[np.triu_indices(len(heavy), 1)])


def donors(species: str) -> list[int]:
    """Return the atoms with which a molecule faces a cation: O, else N, else halogens, else all."""
    symbols = [atom.GetSymbol() for atom in molecule_of(find_species(species).smiles).GetAtoms()]
    for group in (("O",), ("N",), ("F", "Cl", "Br")):
        chosen = [k for k, symbol in enumerate(symbols) if symbol in group]
        if chosen:
            return chosen
    return list(range(len(symbols)))


def faces(species: str) -> list[int]:
    """Return the atoms with which a species faces others: hydrogens of a cation, else donors."""
    if find_species(species).charge > 0:
        symbols = [a.GetSymbol() for a in molecule_of(find_species(species).smiles).GetAtoms()]
        return [k for k, s in enumerate(symbols) if s == "H"] or list(range(len(symbols)))
    return donors(species)


def contact_distance(first: str, second: str) -> float:
    """Return the distance of the nearest atoms of two species in contact, Å."""
    single = min(len(conformer(first)), len(conformer(second))) == 1
    return METAL_CONTACT if single else CONTACT


def attach(
    cluster: Frame,
    piece: Frame,
    here: int,
    there: int,
    distance: float,
    rng: np.random.Generator,
    outward: NDArray[np.float64] | None = None,
) -> Frame:
    """Return the cluster with one more molecule, which faces one of its atoms.

    The piece is turned so that its atom `there` points at the cluster's atom `here`, spun at
    random about that line, and brought nearer until the smallest distance is reached.

    Args:
        cluster: without a box, with molecule ids.
        piece: one molecule.
        here, there: atoms of the cluster and of the piece.
        distance: of the nearest atoms of the two, Å.
        rng: of the spin, and of the direction where the molecules give none.
        outward: direction from the atom `here`; default: away from the middle of its molecule.
    """
    assert cluster.molecules is not None
    mine = cluster.molecules == cluster.molecules[here]
    if outward is None:
        outward = cluster.positions[here] - cluster.positions[mine].mean(axis=0)
    outward = _unit(outward, rng)
    facing = _unit(piece.positions[there] - piece.positions.mean(axis=0), rng)
    turned = (piece.positions - piece.positions[there]) @ _turn(facing, -outward, rng).T
    near, far = 0.0, _FAR + float(np.ptp(cluster.positions, axis=0).max())
    start = cluster.positions[here]

    def gap(t: float) -> float:
        moved = turned + start + t * outward
        return float(np.linalg.norm(moved[:, None] - cluster.positions[None], axis=2).min())

    steps = np.arange(far, near, -0.05)
    reached = next((t for t in steps if gap(float(t)) <= distance), near)
    moved = turned + start + float(reached) * outward
    return Frame(
        np.concatenate([cluster.numbers, piece.numbers]),
        np.concatenate([cluster.positions, moved]),
        molecules=np.concatenate(
            [cluster.molecules, np.full(len(piece), cluster.molecules.max() + 1)]
        ),
    )


def _unit(vector: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    if np.linalg.norm(vector) < 1e-6:
        vector = rng.normal(size=3)
    return np.asarray(vector / np.linalg.norm(vector))


def _turn(
    start: NDArray[np.float64], end: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return a rotation that takes one unit vector to another, with a random spin."""
    first = _frame_of(start, rng)
    second = _frame_of(end, rng)
    return np.asarray(second @ first.T)


def _frame_of(axis: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a right-handed set of axes as columns, the first along `axis`."""
    other = np.cross(axis, _unit(np.cross(axis, rng.normal(size=3)), rng))
    return np.stack([axis, other, np.cross(axis, other)], axis=1)


def pair(first: str, second: str, distance: float, seed: int = 0) -> Frame:
    """Return two molecules in vacuum whose nearest atoms are a distance apart, facing each other.

    Args:
        first, second: species.
        distance: Å.
        seed: of conformers, atoms and orientation.
    """
    rng = np.random.default_rng(seed)
    base = conformer(first, int(rng.integers(64)))
    piece = conformer(second, int(rng.integers(64)))
    here, there = int(rng.choice(faces(first))), int(rng.choice(faces(second)))
    return attach(base, piece, here, there, distance, rng)


def neutral_cluster(unit: Mapping[str, int], seed: int = 0) -> Frame:
    """Return one neutral unit in vacuum: a molecule, or ions in contact.

    Args:
        unit: species name → number, neutral together.
        seed: of conformers and orientations.

    Raises:
        InputError: a unit with a charge.
    """
    charge = sum(find_species(name).charge * n for name, n in unit.items())
    if charge:
        raise InputError(f"{dict(unit)} has a charge of {charge:+d} e: vacuum needs neutral units")
    rng = np.random.default_rng(seed)
    names = [name for name, n in unit.items() for _ in range(n)]
    cluster = conformer(names[0], int(rng.integers(64)))
    for name in names[1:]:
        piece = conformer(name, int(rng.integers(64)))
        here = int(rng.choice(faces(names[0])))
        there = int(rng.choice(faces(name)))
        distance = contact_distance(names[0], name)
        outward = None if len(conformer(names[0])) > 1 else _free_side(cluster, rng)
        cluster = attach(cluster, piece, here, there, distance, rng, outward)
    return cluster


def _free_side(cluster: Frame, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a direction from the first atom away from all the others."""
    vectors = cluster.positions[1:] - cluster.positions[0]
    away = -sum((v / np.linalg.norm(v) for v in vectors), np.zeros(3)) / max(len(vectors), 1)
    return np.asarray(away + 0.2 * rng.normal(size=3))


def vacuum_conformers(species: Sequence[str], number: int, seed: int = 0) -> list[Frame]:
    """Return neutral units in vacuum in turn: conformers of molecules, and ions in contact."""
    units = neutral_units(species)
    _need(units, "conformers")
    frames: list[Frame] = []
    for k, unit in enumerate(units):
        share = number // len(units) + (k < number % len(units))
        (name,) = unit if len(unit) == 1 else ("",)
        if name:
            kinds = conformers(name, max(share, 1), seed)
            frames += [_rattled(kinds[j % len(kinds)], seed + j) for j in range(share)]
        else:
            frames += [neutral_cluster(unit, seed + 97 * j) for j in range(share)]
    return frames


def _rattled(frame: Frame, seed: int) -> Frame:
    noise = np.random.default_rng(seed).normal(0.0, 0.03, frame.positions.shape)
    return frame.moved(frame.positions + noise)


def dimers(species: Sequence[str], number: int, seed: int = 0) -> list[Frame]:
    """Return neutral pairs in vacuum, from touching to apart: two molecules, or cation and anion.

    The distances of the nearest atoms are spaced evenly in their logarithm, 1.7–6 Å; each frame
    has conformers and an orientation of its own.

    Raises:
        InputError: no species that form a neutral pair.
    """
    charges = {name: find_species(name).charge for name in species}
    names = list(charges)
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i:] if charges[a] + charges[b] == 0]
    _need(pairs, "dimers")
    per_pair = -(-number // len(pairs))
    distances = np.geomspace(NEAREST, FARTHEST, per_pair)
    return [
        pair(*pairs[k % len(pairs)], float(distances[k // len(pairs)]), seed + k)
        for k in range(number)
    ]


def _need(things: Sequence[object], what: str) -> None:
    if not things:
        raise InputError(f"the species form no neutral units, which {what} in vacuum need")
