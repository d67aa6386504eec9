"""Density functional theory by GPAW: projector augmented waves in plane waves, at the Γ point.

GPAW doi:10.1063/5.0182685. The energy is the free energy at the electronic temperature, of which
forces and stress are the derivatives; D3 is added by `dftd3`. A frame without a box is put into
one with `vacuum` around it. All comes from pip: `gpaw` compiles itself, `gpaw-data` brings the
atomic data sets.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import time
from typing import Any

import ase
import numpy as np

from elyte.chemistry.reference_settings import GpawSettings
from elyte.core.errors import MissingDependency, Outcome
from elyte.core.frame import Frame
from elyte.core.units import BOLTZMANN
from elyte.reference import cache, d3, plane_waves
from elyte.reference.boxes import (
    boxed,
    check_periodicity,
    is_ground_state_atom,
    unpaired_electrons,
)
from elyte.reference.settings import EngineSettings

TASK = "elyte.reference.gpaw:label"
STRAIN, STRESS_NOISE = 1e-2, 3e-3
"""Of the test of the stress: plane waves come and go with a strained box."""
REMEDY = (
    "pip install gpaw gpaw-data dftd3 (needs a C++ compiler; where `mpicxx` is there without its "
    "headers, install libopenmpi-dev first)"
)


def available() -> Outcome:
    """Say whether GPAW and its data sets are there: "done" with the version, or how to get them."""
    missing = [name for name in ("gpaw", "gpaw_data") if importlib.util.find_spec(name) is None]
    if missing:
        return Outcome("missing", f"{' and '.join(missing)} not installed: {REMEDY}")
    note = "" if d3.version() else f"no D3 without dftd3: {d3.REMEDY}"
    return Outcome("done", details={"version": version(), "note": note})


def version() -> str:
    """Return GPAW's version and that of its data sets.

    Raises:
        MissingDependency: they are not installed.
    """
    try:
        found = [importlib.metadata.version(name) for name in ("gpaw", "gpaw-data")]
    except importlib.metadata.PackageNotFoundError:
        raise MissingDependency(f"the engine 'gpaw' needs {REMEDY}") from None
    return f"{found[0]}+{found[1]}"


def level(settings: EngineSettings) -> str:
    """Return the level of theory: "PBE-D3(BJ)/PW-400eV/gpaw-26.7.0+1.2.1"."""
    chosen = _options(settings)
    dispersion = d3.suffix(chosen.dispersion, chosen.three_body)
    differences = settings.differences("cutoff", "dispersion", "three_body")
    name = f"{chosen.method}{dispersion}/PW-{chosen.cutoff:.6g}eV/gpaw-{version()}"
    return f"{name}/{differences}" if differences else name


def check(frame: Frame, settings: EngineSettings) -> None:
    """Refuse what GPAW cannot compute.

    Raises:
        InputError: a frame that is periodic in one or two directions, or an impossible spin.
        MissingDependency: D3 is asked for and dftd3 is not there.
    """
    check_periodicity(frame, "gpaw")
    unpaired_electrons(frame, settings)
    if _options(settings).dispersion != "none" and not d3.version():
        raise MissingDependency(f"the engine 'gpaw' with D3 needs dftd3: {d3.REMEDY}")


def environment() -> dict[str, str]:
    """Return the variables that a worker process needs: one thread."""
    return {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def seconds(frame: Frame, settings: EngineSettings) -> float:
    """Return about how long one label takes on one core of a server, s."""
    return 3.0 + plane_waves.seconds(frame, settings, _options(settings), 14.0 / 23.0 / 1.23, 0.5)


def label(frame: Frame, settings: dict[str, Any]) -> dict[str, Any] | Outcome:
    """Compute the labels of one frame in this process.

    Args:
        frame: periodic in all directions or in none.
        settings: `EngineSettings.as_dict()`.

    Returns:
        energy (eV), forces (eV/Å, (n, 3)), stress (eV/Å³, (3, 3), None without a box), seconds;
        or an `Outcome` "scf_not_converged" or "failed".
    """
    chosen = EngineSettings.from_mapping(settings)
    check(frame, chosen)
    options = _options(chosen)
    begin = time.monotonic()
    atoms = boxed(frame, options.vacuum).to_ase()
    unpaired = unpaired_electrons(frame, chosen)
    atoms.set_initial_magnetic_moments(np.full(len(frame), unpaired / len(frame)))
    atoms.calc = _calculator(options, chosen.charge, unpaired, frame)
    try:
        labels = {
            "energy": float(atoms.get_potential_energy(force_consistent=True)),
            "forces": np.array(atoms.get_forces()),
            "stress": _stress(atoms, options) if frame.pbc.all() else None,
        }
    except Exception as error:
        return _failure(error, options)
    labels = d3.add_d3(labels, frame, options.method, options.dispersion, options.three_body)
    return {**labels, "seconds": time.monotonic() - begin}


def _options(settings: EngineSettings) -> GpawSettings:
    assert isinstance(settings.options, GpawSettings)
    return settings.options


def _stress(atoms: ase.Atoms, options: GpawSettings) -> np.ndarray:
    """Return the stress that belongs to the energy at a fixed cutoff, eV/Å³.

    A plane-wave code derives the energy at a fixed number of waves, but a strain at a fixed
    cutoff changes that number. The difference is an isotropic (Pulay) stress,
    σ_P = (2/3)(E_cut/V) ∂E/∂E_cut, and ∂E/∂E_cut is a sum over atoms to within a few per cent.
    """
    stress = np.array(atoms.get_stress(voigt=False))
    if not options.pulay_correction:
        return stress
    slope = sum(_cutoff_slope(symbol, options.method, options.cutoff) for symbol in atoms.symbols)
    pulay = 2.0 / 3.0 * options.cutoff / atoms.get_volume() * slope
    return stress + pulay * np.eye(3)


def _cutoff_slope(symbol: str, method: str, cutoff: float) -> float:
    """Return ∂E/∂E_cut of an atom; it is computed once on a machine and kept in its cache."""
    name = f"{symbol} {method} {cutoff:.10g} {version()}"
    slope = cache.recall("gpaw-cutoff-slopes", name)
    if slope is None:
        slope = _compute_cutoff_slope(symbol, method, cutoff)
        cache.remember("gpaw-cutoff-slopes", name, slope)
    return slope


def _compute_cutoff_slope(symbol: str, method: str, cutoff: float) -> float:
    """Return ∂E/∂E_cut of an atom in a small box, by a central difference."""
    gpaw = _library()
    width = 0.05 * cutoff
    energies = []
    for value in (cutoff + width, cutoff - width):
        atom = ase.Atoms(symbol, [[0.1, 0.2, 0.3]], cell=[4.0, 4.2, 4.4], pbc=True)
        atom.calc = gpaw.GPAW(
            mode=gpaw.PW(value),
            xc=method,
            occupations={"name": "fermi-dirac", "width": 0.1},
            convergence={"density": 1e-5},
            symmetry="off",
            txt=None,
        )
        energies.append(float(atom.get_potential_energy(force_consistent=True)))
    return (energies[0] - energies[1]) / (2 * width)


def _library() -> Any:
    try:
        return importlib.import_module("gpaw")
    except ImportError as error:
        raise MissingDependency(f"the engine 'gpaw' cannot load GPAW ({error}): {REMEDY}") from None


def _calculator(options: GpawSettings, charge: float, unpaired: int, frame: Frame) -> Any:
    gpaw = _library()
    occupations = {
        "name": "fermi-dirac",
        "width": options.electronic_temperature * BOLTZMANN,
        "fixmagmom": unpaired > 0,
    }
    return gpaw.GPAW(
        mode=gpaw.PW(options.cutoff),
        xc=options.method,
        charge=charge,
        spinpol=unpaired > 0,
        hund=unpaired > 0 and is_ground_state_atom(frame, unpaired),
        occupations=occupations,
        convergence={"density": options.convergence},
        maxiter=options.max_iterations,
        symmetry="off",
        txt=None,
    )


def _failure(error: Exception, options: GpawSettings) -> Outcome:
    text = " ".join(str(error).split())
    if type(error).__name__ == "KohnShamConvergenceError":
        return Outcome(
            "scf_not_converged",
            f"the self-consistent field did not converge in {options.max_iterations} iterations",
            {"message": text},
        )
    return Outcome("failed", f"GPAW failed: {type(error).__name__}: {text}", {"message": text})
