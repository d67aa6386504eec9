"""The classical force field as an engine that makes labels: energy, forces, stress, charges.

The energy is that of the force field itself: a separated molecule has its strain energy, and an
isolated atom zero. The Lennard-Jones tail beyond the cutoff is left out of labels, since it
depends on the volume alone and no local potential can learn it.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import re
from functools import lru_cache
from typing import Any

import numpy as np

from elyte.chemistry import find_species
from elyte.core.errors import FormatError, InputError, MissingDependency, Outcome, UnknownSpecies
from elyte.core.frame import Frame
from elyte.reference.classical import antechamber
from elyte.reference.classical.cells import repeats
from elyte.reference.classical.field import CUTOFF, ClassicalPotential
from elyte.reference.classical.species import fingerprint
from elyte.reference.classical.tables import covered, table_text
from elyte.reference.settings import EngineSettings

METHODS = ("OPLS-AA", "OPLS-AA/0.8", "OPLS-AA/0.7")
"""The force field (CL&P for ionic liquids), and with all charges scaled by 0.8 or 0.7."""
TASK = "elyte.reference.classical.engine:label"


def available() -> Outcome:
    """Say whether OpenMM can be used here: "done" with its version, or how to install it."""
    if importlib.util.find_spec("openmm") is None:
        return Outcome("missing", "OpenMM is not installed: pip install 'elyte[classical]'")
    note = f"OPLS-AA and CL&P for {len(covered())} species"
    if antechamber.home() is not None:
        note += ", GAFF2 for others"
    return Outcome("done", details={"version": _openmm(), "note": note})


def version() -> str:
    """Return the version of OpenMM and a hash of the parameters.

    Raises:
        MissingDependency: OpenMM is not installed.
    """
    return f"openmm-{_openmm()}+{_parameters()}"


def _openmm() -> str:
    try:
        return importlib.metadata.version("openmm")
    except importlib.metadata.PackageNotFoundError:
        raise MissingDependency(
            "the engine 'classical' needs OpenMM: pip install 'elyte[classical]'"
        ) from None


@lru_cache(maxsize=1)
def _parameters() -> str:
    texts = "".join(table_text(name) for name in covered())
    return hashlib.sha256(texts.encode()).hexdigest()[:8]


def level(settings: EngineSettings) -> str:
    """Return the level of theory: "OPLS-AA/0.8/openmm-8.6.1+1a2b3c4d"; "+GAFF2-…" with others."""
    names = molecules(settings)
    others = f"+GAFF2-{fingerprint(names)[:8]}" if names else ""
    return f"{settings.method}{others}/{version()}"


def molecules(settings: EngineSettings) -> tuple[str, ...]:
    """Return the names of the species that GAFF2 describes."""
    return tuple(getattr(settings.options, "molecules", ()))


def charge_scale(method: str) -> float:
    """Return the factor on the charges that a method's name states.

    Raises:
        InputError: a method that is none.
    """
    found = re.fullmatch(r"OPLS-AA(?:/(0\.\d+|1\.0))?", method)
    if not found or not 0.5 <= float(found.group(1) or 1.0) <= 1.0:
        raise InputError(
            f"the engine 'classical' has no method '{method}': use one of {', '.join(METHODS)} "
            "(or another factor from 0.5 to 1.0 on the charges)"
        )
    return float(found.group(1) or 1.0)


def check(frame: Frame, settings: EngineSettings) -> None:
    """Refuse what the force field cannot compute.

    Raises:
        InputError: an unknown method or molecule, or a frame that is periodic in one or two
            directions.
    """
    charge_scale(settings.method)
    for name in molecules(settings):
        find_species(name)
    if frame.pbc.any() and not frame.pbc.all():
        raise InputError(
            "the engine 'classical' takes frames that are periodic in all directions or in none, "
            f"not pbc = {frame.pbc.tolist()}"
        )


def environment() -> dict[str, str]:
    """Return the variables that a worker process needs: one thread."""
    return {"OMP_NUM_THREADS": "1", "OPENMM_CPU_THREADS": "1"}


def seconds(frame: Frame, settings: EngineSettings) -> float:
    """Return about how long one label takes on one core, s: 13 energies in double precision."""
    if not frame.pbc.all():
        return 0.01
    copies = np.prod(repeats(np.array(frame.cell), 2.0 * CUTOFF))
    return 13 * 5e-5 * float(copies) * len(frame)


@lru_cache(maxsize=4)
def _potential(scale: float, molecules: tuple[str, ...]) -> ClassicalPotential:
    return ClassicalPotential(
        scale, CUTOFF, platform="Reference", stress="full", molecules=molecules
    )


def label(frame: Frame, settings: dict[str, Any]) -> dict[str, Any] | Outcome:
    """Compute the labels of one frame in this process, in double precision.

    Args:
        frame: periodic in all directions or in none.
        settings: the fields of `EngineSettings`.

    Returns:
        energy (eV), forces (eV/Å, (n, 3)), stress (eV/Å³, (3, 3), None without a box), charges
        (e, (n,)); or an `Outcome` "unknown_molecule" or "failed".
    """
    chosen = EngineSettings.from_mapping(settings)
    check(frame, chosen)
    if len(frame) == 1 and not frame.pbc.any():
        return {"energy": 0.0, "forces": np.zeros((1, 3)), "stress": None, "charges": None}
    try:
        potential = _potential(charge_scale(chosen.method), molecules(chosen))
        labels = potential.evaluate([frame])[0]
    except (UnknownSpecies, FormatError, MissingDependency) as error:
        return Outcome("unknown_molecule", str(error))
    except Exception as error:  # OpenMM's own class, which cannot be named without OpenMM
        if type(error).__name__ != "OpenMMException":
            raise
        return Outcome("failed", f"OpenMM failed: {' '.join(str(error).split())}")
    return {
        "energy": labels.energy,
        "forces": labels.forces,
        "stress": labels.stress,
        "charges": labels.charges,
    }
