"""Any ASE calculator, by the import path of its class.

The version of the calculator's package goes into the key of a label. A calculator that is slow to
make (a network) is made once in each worker process.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import time
from functools import lru_cache
from typing import Any

import numpy as np

from elyte.chemistry.reference_settings import AseSettings
from elyte.core.errors import InputError, MissingDependency, Outcome
from elyte.core.frame import Frame
from elyte.reference import programs
from elyte.reference.boxes import boxed, check_periodicity
from elyte.reference.packages import split_path, version_of
from elyte.reference.settings import EngineSettings

TASK = "elyte.reference.ase_engine:label"
environment = programs.environment


def available() -> Outcome:
    """Say that ASE is there, with its version; calculators are looked for when they are named."""
    note = "any calculator, by `calculator: package.module:Class`"
    return Outcome("done", details={"version": version(), "note": note})


def version() -> str:
    """Return ASE's version; that of the calculator's package is kept beside it."""
    return importlib.metadata.version("ase")


def level(settings: EngineSettings) -> str:
    """Return the level of theory: "EMT/ase 3.29.0/calculator=ase.calculators.emt:EMT"."""
    chosen = _options(settings)
    return f"{chosen.method}/{version_of(chosen.calculator)}/{settings.differences()}"


def check(frame: Frame, settings: EngineSettings) -> None:
    """Refuse what cannot be computed.

    Raises:
        InputError: periodic in one or two directions, no such class, or a charge or a spin for a
            calculator whose keyword for it is not named.
        MissingDependency: the calculator's package is not installed.
    """
    check_periodicity(frame, "ase")
    chosen = _options(settings)
    _class(chosen.calculator)
    if settings.charge and not chosen.charge_argument:
        raise InputError(
            f"a charge of {settings.charge:g} e: name the keyword by which {chosen.method} takes "
            "it, by `charge_argument`"
        )


def seconds(frame: Frame, settings: EngineSettings) -> float:
    """Return nan: nobody knows how long an unknown calculator takes."""
    return float("nan")


def label(frame: Frame, settings: dict[str, Any]) -> dict[str, Any] | Outcome:
    """Compute the labels of one frame by a calculator in this process.

    Args:
        frame: periodic in all directions or in none.
        settings: `EngineSettings.as_dict()`.

    Returns:
        energy (eV; the free energy where the calculator tells it apart, since forces are its
        derivatives), forces (eV/Å), stress (eV/Å³, None without a box), charges where the
        calculator has them, seconds; or an `Outcome` "failed".
    """
    chosen = EngineSettings.from_mapping(settings)
    check(frame, chosen)
    options = _options(chosen)
    begin = time.monotonic()
    atoms = (boxed(frame, options.vacuum) if options.vacuum else frame).to_ase()
    arguments = {**options.arguments, **_charge_and_spin(chosen)}
    try:
        atoms.calc = _calculator(options.calculator, json.dumps(arguments, sort_keys=True))
        labels = {
            "energy": _energy(atoms),
            "forces": np.array(atoms.get_forces()),
            "stress": np.array(atoms.get_stress(voigt=False)) if frame.pbc.all() else None,
        }
    except Exception as error:
        text = " ".join(str(error).split())
        return Outcome("failed", f"{options.method} failed: {type(error).__name__}: {text}")
    charges = atoms.calc.results.get("charges")
    if charges is not None and np.shape(charges) == (len(frame),):
        labels["charges"] = np.array(charges, dtype=float)
    return {**labels, "seconds": time.monotonic() - begin}


def _options(settings: EngineSettings) -> AseSettings:
    assert isinstance(settings.options, AseSettings)
    return settings.options


def _class(path: str) -> Any:
    module, name = split_path(path)
    try:
        found = getattr(importlib.import_module(module), name, None)
    except ImportError as error:
        package = module.partition(".")[0]
        raise MissingDependency(
            f"the calculator '{path}' cannot be imported ({error}): install {package}, or put it "
            "on PYTHONPATH"
        ) from None
    if not callable(found):
        raise InputError(f"the module {module} has no calculator '{name}'")
    return found


@lru_cache(maxsize=2)
def _calculator(path: str, arguments: str) -> Any:
    return _class(path)(**json.loads(arguments))


def _charge_and_spin(settings: EngineSettings) -> dict[str, Any]:
    options = _options(settings)
    found: dict[str, Any] = {}
    if options.charge_argument:
        found[options.charge_argument] = settings.charge
    if options.spin_argument and settings.unpaired_electrons is not None:
        found[options.spin_argument] = settings.unpaired_electrons
    return found


def _energy(atoms: Any) -> float:
    atoms.get_potential_energy()
    free = atoms.calc.results.get("free_energy")
    return float(atoms.calc.results["energy"] if free is None else free)
