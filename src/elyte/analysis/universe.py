"""Selections in the language of MDAnalysis, on a universe made from what is known of a system."""

from __future__ import annotations

import importlib
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from ase.data import chemical_symbols
from numpy.typing import NDArray

from elyte.analysis.readers import first_sentence
from elyte.analysis.system import SystemDescription
from elyte.core.errors import FormatError, InputError, MissingDependency
from elyte.core.frame import Frame

Index = NDArray[np.int64]


def select_atoms(
    text: str, system: SystemDescription, frame: Frame | None = None, universe: Any = None
) -> Index:
    """Return the atoms of a selection of MDAnalysis, (k,).

    Args:
        text: "resname EC and name O", "type 7", "around 3 element Li", ….
        system: what the atoms are.
        frame: one structure, for selections by distance.
        universe: with the names of a topology file, or a callable that returns one; None:
            `universe_of(system, frame)`.

    Raises:
        InputError: a text that MDAnalysis does not understand, or another number of atoms.
        MissingDependency: MDAnalysis is not installed.
    """
    chosen = universe() if callable(universe) else universe
    chosen = universe_of(system, frame) if chosen is None else chosen
    if len(chosen.atoms) != len(system.numbers):
        raise InputError(
            f"the universe for selections has {len(chosen.atoms)} atoms, "
            f"the system {len(system.numbers)}"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return np.asarray(chosen.select_atoms(text).indices, dtype=np.int64)
    except Exception as error:  # MDAnalysis has its own errors, which cannot be imported here
        raise InputError(
            f"'{text}' is neither a site ('Li', 'O(EC)', 'cis H(amide)') nor a selection of "
            f"MDAnalysis ({error})"
        ) from error


def _library() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module("MDAnalysis")
    except ImportError as error:
        raise MissingDependency(
            "selections of this kind need MDAnalysis: pip install 'elyte[analysis]'"
        ) from error


def universe_from(topology: str | Path) -> Any:
    """Return the universe of a topology file alone, with its names of atoms and residues.

    Raises:
        FormatError: MDAnalysis cannot read it.
    """
    mda = _library()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return mda.Universe(str(topology))
        except Exception as error:  # readers of other people's files raise anything
            raise FormatError(
                f"{topology}: MDAnalysis cannot read it ({first_sentence(error)})"
            ) from error


def topology_charges(topology: str | Path) -> NDArray[np.float64] | None:
    """Return the charges of the atoms of a topology file, e, (n,), or None where it has none."""
    try:
        charges = np.asarray(universe_from(topology).atoms.charges, dtype=float)
    except Exception:  # absent attributes raise errors of MDAnalysis, which cannot be named
        return None
    return charges if charges.any() else None


def universe_of(system: SystemDescription, frame: Frame | None = None) -> Any:
    """Return a universe: element, mass, name and type of atoms; species are the residue names."""
    mda = _library()
    n, m = len(system.numbers), system.n_molecules
    names = np.empty(m, dtype=object)
    for group in system.species:
        names[group.molecules] = group.name
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        universe = mda.Universe.empty(
            n, n_residues=m, atom_resindex=system.molecules, trajectory=frame is not None
        )
        symbols = [chemical_symbols[z] for z in system.numbers]
        for attribute in ("name", "type", "element"):
            universe.add_TopologyAttr(attribute, symbols)
        universe.add_TopologyAttr("mass", system.masses)
        universe.add_TopologyAttr("resname", names)
        universe.add_TopologyAttr("resid", np.arange(1, m + 1))
        if system.bonds is not None:
            universe.add_TopologyAttr("bonds", [tuple(b) for b in system.bonds.tolist()])
        if frame is not None:
            universe.atoms.positions = frame.positions
            universe.dimensions = frame.to_ase().cell.cellpar()
    return universe
