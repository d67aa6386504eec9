"""Boxes of liquid: molecules packed by Packmol into a periodic cube, then scaled and rattled."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from shutil import which

import numpy as np
from ase.data import chemical_symbols
from numpy.typing import NDArray

from elyte.chemistry.conformers import bonds_of, conformer
from elyte.chemistry.species import find_species, mass
from elyte.core.errors import InputError, MissingDependency
from elyte.core.frame import Frame
from elyte.core.units import DENSITY_TO_G_PER_CM3

DEFAULT_TOLERANCE = 2.0
"""Smallest distance between atoms of different molecules, Å."""
MOST_CONFORMERS = 8
"""Different conformers of one species in a box."""


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
    groups = _groups(counts, seed)
    for attempt, distance in enumerate((tolerance, 0.9 * tolerance, 0.8 * tolerance)):
        packed = _packmol(groups, edge, distance, seed + attempt, time_limit)
        if packed is not None:
            return _frame(groups, packed, edge)
    listed = ", ".join(f"{n} {name}" for name, n in counts.items())
    raise InputError(
        f"Packmol finds no packing of {listed} at {density_g_cm3:.3g} g/cm³ (edge {edge:.1f} Å); "
        "begin at a lower density"
    )


def template_bonds(counts: Mapping[str, int]) -> NDArray[np.int64]:
    """Return the bonded pairs, (m, 2), of a box that `pack_box` made from the same counts."""
    pairs, offset = [np.empty((0, 2), dtype=np.int64)], 0
    for name, n in counts.items():
        own, size = bonds_of(name), len(conformer(name))
        for _ in range(int(n)):
            pairs.append(own + offset)
            offset += size
    return np.concatenate(pairs)


def _groups(counts: Mapping[str, int], seed: int) -> list[tuple[Frame, int]]:
    """Return (conformer, number of copies), in the order of the species."""
    groups = []
    for name, n in counts.items():
        size = len(conformer(name))
        kinds = min(n, MOST_CONFORMERS) if size > 5 else 1
        shares = [n // kinds + (k < n % kinds) for k in range(kinds)]
        # A pool of 64 seeds keeps conformers in the cache from box to box.
        rng = np.random.default_rng([seed, size])
        seeds = rng.choice(64, size=kinds, replace=False)
        groups += [(conformer(name, int(s)), m) for s, m in zip(seeds, shares, strict=True)]
    return groups


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
    groups: list[tuple[Frame, int]], edge: float, tolerance: float, seed: int, time_limit: float
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
        for index, (frame, number) in enumerate(groups):
            _write_xyz(Path(folder) / f"{index}.xyz", frame)
            lines += [f"structure {index}.xyz", f"  number {number}", "end structure"]
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
        if done.returncode != 0 or "Success!" not in done.stdout or not output.is_file():
            return None
        return np.loadtxt(output, skiprows=2, usecols=(1, 2, 3), ndmin=2)


def _write_xyz(path: Path, frame: Frame) -> None:
    rows = [
        f"{chemical_symbols[z]} {x:.8f} {y:.8f} {w:.8f}"
        for z, (x, y, w) in zip(frame.numbers, frame.positions, strict=True)
    ]
    path.write_text("\n".join([str(len(rows)), "", *rows]) + "\n")


def _frame(groups: list[tuple[Frame, int]], packed: NDArray[np.float64], edge: float) -> Frame:
    numbers, positions, molecules = [], [], []
    offset = count = 0
    for template, number in groups:
        for _ in range(number):
            place = packed[offset : offset + len(template)]
            numbers.append(template.numbers)
            positions.append(_placed(template.positions, place, edge))
            molecules.append(np.full(len(template), count))
            offset += len(template)
            count += 1
    return Frame(
        np.concatenate(numbers),
        np.concatenate(positions),
        edge * np.eye(3),
        np.ones(3, dtype=bool),
        np.concatenate(molecules),
    )


def _placed(
    template: NDArray[np.float64], place: NDArray[np.float64], edge: float
) -> NDArray[np.float64]:
    """Return the template moved onto its packed place (Kabsch), whole across the boundary.

    The file has six decimals and may wrap atoms; the template has neither fault.
    """
    place = place - edge * np.round((place - place[0]) / edge)
    middle, centre = place.mean(axis=0), template.mean(axis=0)
    u, _, vt = np.linalg.svd((template - centre).T @ (place - middle))
    turn = u @ np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ vt)) or 1.0]) @ vt
    return np.asarray((template - centre) @ turn + middle)


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
