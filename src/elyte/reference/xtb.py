"""GFN-xTB tight binding by tblite: energy, forces, stress and charges.

GFN1-xTB doi:10.1021/acs.jctc.7b00118, GFN2-xTB doi:10.1021/acs.jctc.8b01176. The energy is the
electronic *free* energy at the electronic temperature (the entropy of the Fermi smearing is in
it); forces and stress are its derivatives, so all labels belong to one surface.

tblite's wheel brings an unoptimised linear algebra library. Where the machine has OpenBLAS the
worker processes preload it, which halves the time for a hundred atoms; `environment` says how.
"""

from __future__ import annotations

import ctypes.util
import glob
import importlib.metadata
import importlib.util
import os
import re
import sys
import time
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elyte.chemistry.reference_settings import XtbSettings
from elyte.core.errors import MissingDependency, Outcome
from elyte.core.frame import Frame
from elyte.core.units import BOHR, BOLTZMANN, HARTREE
from elyte.reference.boxes import check_periodicity
from elyte.reference.settings import EngineSettings

OLDEST = (0, 8)
"""First release that was tested; the stress of 0.6 is wrong (tblite/tblite#339)."""
TASK = "elyte.reference.xtb:label"

_OPENBLAS_PATTERNS = (
    "/usr/lib/*-linux-gnu/libopenblas.so.0",
    "/usr/lib/*-linux-gnu/openblas*/libopenblas.so.0",
    "/usr/lib64/libopenblas.so.0",
    "/usr/lib/libopenblas.so.0",
    "/usr/local/lib*/libopenblas.so.0",
    "/opt/OpenBLAS/lib/libopenblas.so.0",
)


def available() -> Outcome:
    """Say whether tblite can be used here: "done" with its version, or how to install it."""
    if importlib.util.find_spec("tblite") is None:
        return Outcome("missing", "tblite is not installed: pip install tblite")
    if tuple(int(part) for part in re.findall(r"\d+", version())[:2]) < OLDEST:
        return Outcome(
            "missing",
            f"tblite {version()} is too old (0.6 has a wrong stress, earlier ones no periodic "
            "GFN2-xTB): pip install 'tblite>=0.8'",
        )
    blas = find_openblas()
    note = f"OpenBLAS {blas}" if blas else "no OpenBLAS found: labels take twice as long"
    return Outcome("done", details={"version": version(), "note": note})


def version() -> str:
    """Return tblite's version.

    Raises:
        MissingDependency: tblite is not installed.
    """
    try:
        return importlib.metadata.version("tblite")
    except importlib.metadata.PackageNotFoundError:
        raise MissingDependency("the engine 'xtb' needs tblite: pip install tblite") from None


def level(settings: EngineSettings) -> str:
    """Return the level of theory: "GFN1-xTB/tblite-0.8.0", and what is not at its default."""
    differences = settings.differences()
    return f"{settings.method}/tblite-{version()}" + (f"/{differences}" if differences else "")


def check(frame: Frame, settings: EngineSettings) -> None:
    """Refuse what tblite cannot compute (an unknown method is refused by the settings).

    Raises:
        InputError: a frame that is periodic in one or two directions.
    """
    check_periodicity(frame, "xtb")


def seconds(frame: Frame, settings: EngineSettings) -> float:
    """Return about how long one label takes on one core of a server, s.

    Measured with OpenBLAS: 0.7 s for 88 atoms by GFN1-xTB, 1.6 times that by GFN2-xTB, growing
    with the square of the number of atoms.
    """
    factor = 1.6 if settings.method == "GFN2-xTB" else 1.0
    blas = 1.0 if find_openblas() else 2.0
    return 0.7 * factor * blas * (len(frame) / 88.0) ** 2


def find_openblas() -> str | None:
    """Return the path of the machine's OpenBLAS, or None (`ELYTE_OPENBLAS` overrides)."""
    chosen = os.environ.get("ELYTE_OPENBLAS")
    if chosen is not None:
        return chosen if os.path.isfile(chosen) else None
    return _searched(os.environ.get("CONDA_PREFIX", ""))


@lru_cache(maxsize=4)
def _searched(conda: str) -> str | None:
    """Look for OpenBLAS where systems put it, once: the cost of a thousand frames asks often."""
    patterns = (f"{conda}/lib/libopenblas.so.0",) if conda else ()
    for pattern in patterns + _OPENBLAS_PATTERNS:
        for path in sorted(glob.glob(pattern)):
            return os.path.realpath(path)
    return ctypes.util.find_library("openblas") if sys.platform.startswith("linux") else None


def environment() -> dict[str, str]:
    """Return the variables that a worker process needs: one thread, OpenBLAS preloaded."""
    variables = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    blas = find_openblas()
    if blas and sys.platform.startswith("linux"):
        before = os.environ.get("LD_PRELOAD", "")
        variables["LD_PRELOAD"] = f"{blas}:{before}" if before else blas
    return variables


def label(frame: Frame, settings: dict[str, Any]) -> dict[str, Any] | Outcome:
    """Compute the labels of one frame in this process.

    Stress: tblite gives the strain derivative W = ∂E/∂ε; σ = W/V (ASE's sign, tension positive).

    Args:
        frame: periodic in all directions or in none.
        settings: the fields of `EngineSettings`.

    Returns:
        energy (eV), forces (eV/Å, (n, 3)), stress (eV/Å³, (3, 3), None without a box), charges
        (e, (n,)), seconds; or an `Outcome` "scf_not_converged" or "failed".
    """
    chosen = EngineSettings.from_mapping(settings)
    check(frame, chosen)
    tblite, begin = _library(), time.monotonic()
    try:
        calculator = _calculator(tblite, frame, chosen)
        result = calculator.singlepoint()
        energy = float(result.get("energy")) * HARTREE
        forces = -np.asarray(result.get("gradient")) * (HARTREE / BOHR)
        charges = np.asarray(result.get("charges"))
        stress = _stress(result, frame) if frame.pbc.all() else None
    except (RuntimeError, ValueError) as error:
        return _failure(str(error), chosen)
    spent = {"seconds": time.monotonic() - begin}
    return {"energy": energy, "forces": forces, "stress": stress, "charges": charges, **spent}


def _library() -> Any:
    try:
        import tblite.interface as interface
    except ImportError as error:
        raise MissingDependency(
            f"the engine 'xtb' needs tblite ({error}): pip install tblite"
        ) from error
    return interface


def _options(settings: EngineSettings) -> XtbSettings:
    assert isinstance(settings.options, XtbSettings)
    return settings.options


def _calculator(tblite: Any, frame: Frame, settings: EngineSettings) -> Any:
    periodic, options = bool(frame.pbc.all()), _options(settings)
    calculator = tblite.Calculator(
        settings.method,
        np.array(frame.numbers),
        np.array(frame.positions) / BOHR,
        settings.charge,
        settings.unpaired_electrons,
        np.array(frame.cell) / BOHR if periodic else None,
        np.array(frame.pbc) if periodic else None,
    )
    calculator.set("accuracy", options.accuracy)
    calculator.set("temperature", options.electronic_temperature * BOLTZMANN / HARTREE)
    calculator.set("max-iter", options.max_iterations)
    calculator.set("verbosity", 0)
    return calculator


def _stress(result: Any, frame: Frame) -> NDArray[np.float64]:
    virial = np.asarray(result.get("virial")) * HARTREE
    return 0.5 * (virial + virial.T) / frame.volume


def _failure(message: str, settings: EngineSettings) -> Outcome:
    text = " ".join(message.split())
    if "not converge" in text.lower():
        return Outcome(
            "scf_not_converged",
            "the self-consistent field did not converge in "
            f"{_options(settings).max_iterations} iterations",
            {"message": text},
        )
    return Outcome("failed", f"tblite failed: {text}", {"message": text})
