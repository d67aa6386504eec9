"""Density functional theory by VASP, for machines that have it: input folder, run, output.

VASP doi:10.1103/PhysRevB.54.11169. The label is the free energy, of which forces and stress are
the derivatives; `energy` chooses the energy without entropy or the one for σ → 0 instead, and the
level of theory then says so. POTCARs come from the user's folder. The program is found as
`vasp_gam` or `vasp_std`, or by the variable `ELYTE_VASP`.
"""

from __future__ import annotations

import os
import time
from typing import Any

from elyte.chemistry.reference_settings import VaspSettings
from elyte.core.errors import FormatError, MissingDependency, Outcome
from elyte.core.frame import Frame
from elyte.reference import d3, plane_waves, programs, pseudopotentials
from elyte.reference.boxes import boxed, unpaired_electrons
from elyte.reference.settings import EngineSettings
from elyte.reference.vasp_files import read_folder, write_folder

TASK = "elyte.reference.vasp:label"
STRAIN, STRESS_NOISE = 1e-2, 5e-3
"""Of the test of the stress: a fixed cutoff leaves a Pulay stress, eV/Å³."""
VARIABLE = "ELYTE_VASP"
PROGRAMS = ("vasp_gam", "vasp_std")
REMEDY = "licensed by its authors (vasp.at); name its command by ELYTE_VASP"
environment = programs.environment


def available() -> Outcome:
    """Say whether VASP is there: "done" with its command, or how to get it."""
    found = programs.find_command(VARIABLE, PROGRAMS)
    if found is None:
        return Outcome("missing", f"VASP is not there: {REMEDY}")
    folder = os.environ.get(pseudopotentials.VARIABLES["vasp"], "")
    note = folder or "name a folder of POTCARs by VASP_PP_PATH or `pseudopotentials`"
    return Outcome("done", details={"version": version(), "note": f"{' '.join(found)}, {note}"})


def version() -> str:
    """Return the version that the variable `ELYTE_VASP_VERSION` holds, or "vasp".

    VASP tells its version only in its output; what it said is kept with each label.

    Raises:
        MissingDependency: VASP is not there.
    """
    if programs.find_command(VARIABLE, PROGRAMS) is None:
        raise MissingDependency(f"the engine 'vasp' needs VASP: {REMEDY}")
    return os.environ.get("ELYTE_VASP_VERSION") or "vasp"


def level(settings: EngineSettings) -> str:
    """Return the level of theory: "PBE-D3/PW-450eV/vasp"."""
    chosen = _options(settings)
    dispersion = d3.suffix(chosen.dispersion, False)
    differences = settings.differences("cutoff", "dispersion")
    name = f"{chosen.method}{dispersion}/PW-{chosen.cutoff:.6g}eV/{version()}"
    return f"{name}/{differences}" if differences else name


def check(frame: Frame, settings: EngineSettings) -> None:
    """Refuse what cannot be computed: see `plane_waves.check`."""
    plane_waves.check(frame, settings, _options(settings))


def seconds(frame: Frame, settings: EngineSettings) -> float:
    """Return about how long one label takes, s: valence electrons only."""
    return 2.0 + plane_waves.seconds(frame, settings, _options(settings), 15.0 / 17.0, 0.35)


def label(frame: Frame, settings: dict[str, Any]) -> dict[str, Any] | Outcome:
    """Run VASP for one frame.

    Args:
        frame: periodic in all directions or in none.
        settings: `EngineSettings.as_dict()`.

    Returns:
        energy (eV), forces (eV/Å), stress (eV/Å³, None without a box), seconds, energies (all
        three, by name); or an `Outcome` "scf_not_converged" or "failed".
    """
    chosen = EngineSettings.from_mapping(settings)
    check(frame, chosen)
    options = _options(chosen)
    begin = time.monotonic()
    box = boxed(frame, options.vacuum)
    unpaired = unpaired_electrons(frame, chosen)
    with programs.workspace("vasp") as folder:
        order = write_folder(folder, box, options, round(chosen.charge), unpaired)
        code, output = programs.run(programs.command(VARIABLE, PROGRAMS), folder, "vasp.out")
        details = {"output": programs.last_words(output)}
        try:
            labels = read_folder(folder, order, options.energy)
        except FormatError as error:
            return _failure(error, code, details)
    if not frame.pbc.all():
        labels["stress"] = None
    return {**labels, "seconds": time.monotonic() - begin}


def _failure(error: FormatError, code: int, details: dict[str, Any]) -> Outcome:
    if "before it converged" in str(error):
        return Outcome("scf_not_converged", str(error), details)
    return Outcome("failed", f"VASP failed (exit code {code}): {error}", details)


def _options(settings: EngineSettings) -> VaspSettings:
    assert isinstance(settings.options, VaspSettings)
    return settings.options
