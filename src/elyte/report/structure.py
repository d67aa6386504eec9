"""The box of the 3-D view: whole molecules, bonds, colours, as plain values for viewer.js."""

from __future__ import annotations

from typing import Any

import numpy as np
from ase.data import atomic_names, chemical_symbols, covalent_radii
from numpy.typing import NDArray

from elyte.chemistry.bonds import bond_graph, molecule_ids
from elyte.core.frame import Frame
from elyte.report.colours import colour_of
from elyte.report.data import ReportData

MAX_ATOMS = 6000
"""Larger boxes are left out: the view would be slow and nothing could be seen."""


def box_spec(data: ReportData) -> dict[str, Any] | None:
    """Return the box of a report for viewer.js, or None without a frame (or with a huge one)."""
    frame = data.frame
    if frame is None or not 0 < len(frame) <= MAX_ATOMS:
        return None
    bonds = bond_graph(frame, within_molecules=True)
    molecules = molecule_ids(frame, bonds) if frame.molecules is None else frame.molecules
    positions = whole_molecules(frame, bonds, molecules)
    length = np.linalg.norm(positions[bonds[:, 0]] - positions[bonds[:, 1]], axis=1)
    bonds = bonds[length < 3.0]  # what still crosses the box belongs to an endless network
    elements = [int(z) for z in np.unique(frame.numbers)]
    return {
        "elements": [_element(z) for z in elements],
        "kind": [elements.index(int(z)) for z in frame.numbers],
        "xyz": [round(float(x), 2) for x in positions.ravel()],
        "bonds": [int(i) for i in bonds.ravel()],
        "cell": [round(float(x), 3) for x in frame.cell.ravel()] if frame.volume > 0 else None,
        "molecule": [int(m) for m in molecules],
        "names": list(data.molecule_names),
        "charges": [float(q) for q in data.molecule_charges],
        "ion": [int(flag) for flag in ions(data, frame, molecules)],
    }


def _element(number: int) -> dict[str, Any]:
    symbol = chemical_symbols[number]
    return {
        "symbol": symbol,
        "name": atomic_names[number],
        "colour": colour_of(number),
        "radius": round(float(covalent_radii[number]), 2),
    }


def ions(data: ReportData, frame: Frame, molecules: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which atoms are highlighted, (n,): those of charged molecules.

    Without charges: molecules of one atom, when the box holds larger ones too.
    """
    charges = np.array(data.molecule_charges, dtype=float)
    if len(charges) > int(molecules.max(initial=0)):
        return np.asarray(charges[molecules] != 0)
    sizes = np.bincount(molecules)[molecules]
    return np.asarray((sizes == 1) & bool((sizes > 1).any()))


def whole_molecules(
    frame: Frame, bonds: NDArray[np.int64], molecules: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return positions, Å, (n, 3), with molecules in one piece and their centres in the cell."""
    positions = np.array(frame.positions)
    if not frame.pbc.any():
        return positions
    inverse = np.asarray(np.linalg.inv(frame.cell), dtype=np.float64)
    _join(positions, bonds, frame, inverse)
    count = int(molecules.max()) + 1
    sums = np.array([np.bincount(molecules, positions[:, k], count) for k in range(3)]).T
    centres = sums / np.maximum(np.bincount(molecules, minlength=count), 1)[:, None]
    shift = np.floor(centres @ inverse) * frame.pbc
    return np.asarray(positions - (shift @ frame.cell)[molecules])


def _join(
    positions: NDArray[np.float64],
    bonds: NDArray[np.int64],
    frame: Frame,
    inverse: NDArray[np.float64],
) -> None:
    """Move atoms by lattice vectors, along the bonds, next to the atom they are bonded to."""
    neighbours: list[list[int]] = [[] for _ in positions]
    for i, j in bonds:
        neighbours[i].append(int(j))
        neighbours[j].append(int(i))
    placed = np.zeros(len(positions), dtype=bool)
    for start in range(len(positions)):
        stack = [] if placed[start] else [start]
        placed[start] = True
        while stack:
            i = stack.pop()
            for j in neighbours[i]:
                if not placed[j]:
                    step = np.rint((positions[j] - positions[i]) @ inverse) * frame.pbc
                    positions[j] -= step @ frame.cell
                    placed[j] = True
                    stack.append(j)
