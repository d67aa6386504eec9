"""Find what a trajectory without a topology holds: molecules from the bond graph of a frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from elyte.analysis.system import SystemDescription
from elyte.chemistry.bonds import bond_graph, molecule_ids
from elyte.core.frame import Frame


def describe(
    frame: Frame,
    names: Mapping[str, str] | None = None,
    charges: Mapping[str, float] | None = None,
) -> SystemDescription:
    """Return the species of a frame, named by formula and the species library.

    Args:
        frame: with molecule indices, or they are found from the bond graph.
        names: formula → name, for isomers and what the library does not know.
        charges: name → formal charge, e.
    """
    bonds = bond_graph(frame, within_molecules=frame.molecules is not None)
    molecules = molecule_ids(frame, bonds) if frame.molecules is None else frame.molecules
    system = SystemDescription.from_molecules(frame.numbers, molecules, bonds, names, charges)
    return replace(system, bonds=np.asarray(bonds, dtype=np.int64))
