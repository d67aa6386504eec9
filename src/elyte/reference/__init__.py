"""Reference methods: engines that make labels, and the firewall that judges them."""

from elyte.reference.engines import ENGINES, Engine, find_engine
from elyte.reference.firewall import Context, Limits, faults, inspect
from elyte.reference.labelling import isolated_atom_energies, label_frames, strain_test
from elyte.reference.molecules import check_molecules
from elyte.reference.settings import EngineSettings, label_key

__all__ = [
    "ENGINES",
    "Context",
    "Engine",
    "EngineSettings",
    "Limits",
    "check_molecules",
    "faults",
    "find_engine",
    "inspect",
    "isolated_atom_energies",
    "label_frames",
    "label_key",
    "strain_test",
]
