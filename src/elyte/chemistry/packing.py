"""Boxes of liquid: molecules packed by Packmol into a periodic cube, then scaled and rattled."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from shutil import which

import numpy as np
from ase.data import chemical_symbols
from numpy.typing import NDArray
from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree
from scipy.spatial import cKDTree
from scipy.spatial.distance import pdist, squareform

from elyte.chemistry.bonds import near_pairs
from elyte.chemistry.conformers import bonds_of, conformer
from elyte.chemistry.species import find_species, mass
from elyte.core.errors import InputError, MissingDependency
from elyte.core.frame import Frame
from elyte.core.units import DENSITY_TO_G_PER_CM3

DEFAULT_TOLERANCE = 2.0
"""Smallest distance between atoms of different molecules, Å."""
MOST_CONFORMERS = 8
"""Different conformers of one species in a box."""
_NOT_CONVERGED = 173  # Packmol's exit status when it finds no packing; others are faults


def pack_box(
    counts: Mapping[str, int],
    density_g_cm3: float,
    seed: int = 0,
    tolerance: float = DEFAULT_TOLERANCE,
    time_limit: float = 60.0,
) -> Frame:
    """Return a cubic periodic box of molecules at a density.

    Atoms are ordered by species in the order of `counts`, molecule by molecule; the molecule ids
    are their running numbers, and bonds within a molecule are those of `template_bonds`. Flexible
    molecules appear in several conformers. When Packmol finds no packing, the smallest distance
    is lowered twice by a tenth.

    Args:
        counts: species name (or "smiles:…") → number of molecules.
        density_g_cm3: g/cm³.
        seed: of the conformers and of Packmol.
        tolerance: smallest distance between atoms of different molecules, Å.
        time_limit: s, for one attempt.

    Raises:
        InputError: nothing to pack, or too dense to be packed.
        MissingDependency: no Packmol.
    """
    counts = {name: int(n) for name, n in counts.items() if n}
    if not counts or min(counts.values()) < 0:
        raise InputError(f"nothing to pack: {dict(counts)}")
    if not 0 < density_g_cm3 < 30:
        raise InputError(f"a density of {density_g_cm3:g} g/cm³ cannot be packed")
    weight = sum(n * mass(find_species(name)) for name, n in counts.items())
    edge = (weight * DENSITY_TO_G_PER_CM3 / density_g_cm3) ** (1 / 3)
    found = _packed(_groups(counts, seed), edge, seed, tolerance, time_limit)
    if found is None:
        listed = ", ".join(f"{n} {name}" for name, n in counts.items())
        raise InputError(
            f"Packmol finds no packing of {listed} at {density_g_cm3:.3g} g/cm³ "
            f"(edge {edge:.1f} Å); begin at a lower density"
        )
    return found


def pack_templates(
    templates: Sequence[Frame],
    density_g_cm3: float,
    seed: int = 0,
    tolerance: float = DEFAULT_TOLERANCE,
    time_limit: float = 60.0,
) -> Frame:
    """Return a cubic periodic box of rigid pieces, each a molecule or a cluster of molecules.

    Atoms and molecules come in the order of the pieces; a cluster keeps its geometry.

    Args:
        templates: without a box, with molecule ids 0, 1, … in each.
        density_g_cm3: g/cm³.
        seed: of Packmol.
        tolerance: smallest distance between atoms of different pieces, Å.
        time_limit: s, for one attempt.

    Raises:
        InputError: nothing to pack, or too dense to be packed.
        MissingDependency: no Packmol.
    """
    if not templates or not 0 < density_g_cm3 < 30:
        raise InputError(f"{len(templates)} pieces cannot be packed at {density_g_cm3:g} g/cm³")
    weight = sum(float(template.masses.sum()) for template in templates)
    edge = (weight * DENSITY_TO_G_PER_CM3 / density_g_cm3) ** (1 / 3)
    groups = [_Group(template, 1, _nearest_tree(template)) for template in templates]
    found = _packed(groups, edge, seed, tolerance, time_limit)
    if found is None:
        raise InputError(
            f"Packmol finds no packing of {len(templates)} pieces at {density_g_cm3:.3g} g/cm³ "
            f"(edge {edge:.1f} Å); begin at a lower density"
        )
    return found


def _packed(
    groups: list[_Group], edge: float, seed: int, tolerance: float, time_limit: float
) -> Frame | None:
    """Try three times, the smallest distance lowered by a tenth each time."""
    for attempt, distance in enumerate((tolerance, 0.9 * tolerance, 0.8 * tolerance)):
        packed = _packmol(groups, edge, distance, seed + attempt, time_limit)
        frame = None if packed is None else _frame(groups, packed, edge)
        if frame is not None and not _overlaps(frame, 0.9 * distance):
            return frame
    return None


def template_bonds(counts: Mapping[str, int]) -> NDArray[np.int64]:
    """Return the bonded pairs, (m, 2), of a box that `pack_box` made from the same counts."""
    pairs, offset = [np.empty((0, 2), dtype=np.int64)], 0
    for name, n in counts.items():
        own, size = bonds_of(name), len(conformer(name))
        for _ in range(int(n)):
            pairs.append(own + offset)
            offset += size
    return np.concatenate(pairs)


@dataclass(frozen=True)
class _Group:
    """Copies of one conformer.

    Args:
        template: the conformer.
        number: of copies.
        tree: bonds (parent, child) that lead from the first atom to every other.
    """

    template: Frame
    number: int
    tree: tuple[tuple[int, int], ...]


def _groups(counts: Mapping[str, int], seed: int) -> list[_Group]:
    """Return the conformers to pack, in the order of the species."""
    groups = []
    for name, n in counts.items():
        size = len(conformer(name))
        kinds = min(n, MOST_CONFORMERS) if size > 5 else 1
        shares = [n // kinds + (k < n % kinds) for k in range(kinds)]
        # A pool of 64 seeds keeps conformers in the cache from box to box.
        rng = np.random.default_rng([seed, size])
        seeds = rng.choice(64, size=kinds, replace=False)
        tree = _bond_tree(name)
        groups += [
            _Group(conformer(name, int(s)), m, tree) for s, m in zip(seeds, shares, strict=True)
        ]
    return groups


@lru_cache(maxsize=256)
def _bond_tree(name: str) -> tuple[tuple[int, int], ...]:
    """Return bonds (parent, child) that reach every atom of a molecule from its first."""
    links: dict[int, list[int]] = {}
    for i, j in bonds_of(name).tolist():
        links.setdefault(i, []).append(j)
        links.setdefault(j, []).append(i)
    tree: list[tuple[int, int]] = []
    reached, front = {0}, [0]
    while front:
        parent = front.pop()
        for child in links.get(parent, []):
            if child not in reached:
                reached.add(child)
                front.append(child)
                tree.append((parent, child))
    return tuple(tree)


def _nearest_tree(template: Frame) -> tuple[tuple[int, int], ...]:
    """Return steps (parent, child) between near atoms that reach all atoms from the first."""
    if len(template) == 1:
        return ()
    distances = squareform(pdist(template.positions))
    tree = minimum_spanning_tree(distances)
    order, parents = breadth_first_order(tree, 0, directed=False)
    return tuple((int(parents[child]), int(child)) for child in order[1:])


@lru_cache(maxsize=1)
def packmol_program() -> str:
    """Return the path of the Packmol program: PyPI's package, or the one on the PATH.

    Raises:
        MissingDependency: neither is there.
    """
    package = find_spec("packmol")
    if package is not None and package.origin is not None:
        for name in ("packmol", "packmol.exe"):
            program = Path(package.origin).parent / "binaries" / name
            if program.is_file():
                return str(program)
    found = which("packmol")
    if found is None:
        raise MissingDependency("Packmol is not installed; 'pip install packmol' brings it")
    return found


def _packmol(
    groups: list[_Group], edge: float, tolerance: float, seed: int, time_limit: float
) -> NDArray[np.float64] | None:
    """Return packed positions, (n, 3), or None when Packmol finds none."""
    with tempfile.TemporaryDirectory(prefix="elyte-packmol-") as folder:
        lines = [
            f"tolerance {tolerance:.4f}",
            "filetype xyz",
            "output packed.xyz",
            f"seed {seed % 100_000_000 + 1}",
            f"pbc {edge:.8f} {edge:.8f} {edge:.8f}",
        ]
        for index, group in enumerate(groups):
            _write_xyz(Path(folder) / f"{index}.xyz", group.template)
            lines += [f"structure {index}.xyz", f"  number {group.number}", "end structure"]
        script = Path(folder) / "packmol.inp"
        script.write_text("\n".join(lines) + "\n")
        try:
            with script.open() as stdin:  # Packmol rewinds its input: a pipe will not do
                done = subprocess.run(
                    [packmol_program()],
                    stdin=stdin,
                    cwd=folder,
                    capture_output=True,
                    text=True,
                    timeout=time_limit,
                )
        except subprocess.TimeoutExpired:
            return None
        output = Path(folder) / "packed.xyz"
        if done.returncode not in (0, _NOT_CONVERGED):
            raise InputError(f"Packmol stopped: {(done.stderr or done.stdout).strip()[-300:]}")
        if done.returncode != 0 or "Success!" not in done.stdout or not output.is_file():
            return None
        return np.loadtxt(output, skiprows=2, usecols=(1, 2, 3), ndmin=2)


def _write_xyz(path: Path, frame: Frame) -> None:
    rows = [
        f"{chemical_symbols[z]} {x:.8f} {y:.8f} {w:.8f}"
        for z, (x, y, w) in zip(frame.numbers, frame.positions, strict=True)
    ]
    path.write_text("\n".join([str(len(rows)), "", *rows]) + "\n")


def _frame(groups: list[_Group], packed: NDArray[np.float64], edge: float) -> Frame:
    numbers, positions, molecules = [], [], []
    offset = count = 0
    for group in groups:
        template = group.template
        for _ in range(group.number):
            place = _whole(packed[offset : offset + len(template)], group.tree, edge)
            numbers.append(template.numbers)
            positions.append(_placed(template.positions, place))
            own = np.zeros(len(template), int) if template.molecules is None else template.molecules
            molecules.append(own + count)
            offset += len(template)
            count += int(own.max()) + 1
    return Frame(
        np.concatenate(numbers),
        np.concatenate(positions),
        edge * np.eye(3),
        np.ones(3, dtype=bool),
        np.concatenate(molecules),
    )


def _whole(
    place: NDArray[np.float64], tree: tuple[tuple[int, int], ...], edge: float
) -> NDArray[np.float64]:
    """Undo the wrapping of a molecule, bond by bond: it may be longer than half the box."""
    place = place.copy()
    for parent, child in tree:
        place[child] -= edge * np.round((place[child] - place[parent]) / edge)
    return place


def _placed(template: NDArray[np.float64], place: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the template moved onto its packed place (Kabsch): the file has six decimals."""
    middle, centre = place.mean(axis=0), template.mean(axis=0)
    u, _, vt = np.linalg.svd((template - centre).T @ (place - middle))
    turn = u @ np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ vt)) or 1.0]) @ vt
    return np.asarray((template - centre) @ turn + middle)


def _overlaps(frame: Frame, distance: float) -> bool:
    """Whether atoms of different molecules, or of a molecule and its own image, are too near."""
    assert frame.molecules is not None
    pairs, distances = near_pairs(frame, distance)
    if (frame.molecules[pairs[:, 0]] != frame.molecules[pairs[:, 1]])[distances < distance].any():
        return True
    edge = frame.cell[0, 0]
    shifts = edge * np.array([s for s in product((-1, 0, 1), repeat=3) if any(s)])
    bounds = np.flatnonzero(np.diff(frame.molecules)) + 1
    for own in np.split(frame.positions, bounds):
        if np.ptp(own, axis=0).max() + distance < edge:
            continue  # its images are out of reach
        images = (own[None] + shifts[:, None]).reshape(-1, 3)
        if cKDTree(images).query(own)[0].min() < distance:
            return True
    return False


def scaled_and_rattled(frame: Frame, scale: float, rattle: float, seed: int = 0) -> Frame:
    """Scale the distances between molecules and displace each atom at random.

    The cell and the molecules' centres of mass are scaled by `scale`, the molecules stay rigid;
    then each coordinate is displaced by a normal deviate of standard deviation `rattle`. Without
    molecule ids each atom is scaled by itself.

    Args:
        frame: molecules whole (not cut by the boundary).
        scale: 1 leaves the distances.
        rattle: Å.
        seed: of the displacements.
    """
    if scale <= 0 or rattle < 0:
        raise InputError(f"scale {scale:g} must be positive and rattle {rattle:g} Å not negative")
    ids = np.arange(len(frame)) if frame.molecules is None else frame.molecules
    _, index = np.unique(ids, return_inverse=True)
    weight = np.bincount(index, weights=frame.masses)
    centres = np.stack(
        [np.bincount(index, weights=frame.masses * x) / weight for x in frame.positions.T], axis=1
    )
    noise = rattle * np.random.default_rng(seed).standard_normal((len(frame), 3))
    positions = frame.positions + (scale - 1.0) * centres[index] + noise
    return frame.moved(positions, frame.cell * scale)
