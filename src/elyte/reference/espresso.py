"""Density functional theory by Quantum ESPRESSO's pw.x: plane waves, pseudopotentials, Γ point.

Quantum ESPRESSO doi:10.1088/1361-648X/aa8f79. Pseudopotentials come from a folder that the user
names; each element must have one, and all must be of the method's functional. With an electronic
temperature the energy is the free energy. The program is found as `pw.x`, or by `ELYTE_ESPRESSO`.
"""

from __future__ import annotations

import os
import time
from typing import Any

from elyte.chemistry.reference_settings import EspressoSettings
from elyte.core.errors import FormatError, MissingDependency, Outcome
from elyte.core.frame import Frame
from elyte.reference import d3, plane_waves, programs, pseudopotentials
from elyte.reference.boxes import boxed, unpaired_electrons
from elyte.reference.espresso_files import (
    RYDBERG,
    converged,
    error_message,
    read_output,
    write_input,
)
from elyte.reference.settings import EngineSettings

TASK = "elyte.reference.espresso:label"
STRAIN, STRESS_NOISE = 1e-2, 5e-3
"""Of the test of the stress: a fixed cutoff leaves a Pulay stress, eV/Å³."""
VARIABLE = "ELYTE_ESPRESSO"
PROGRAMS = ("pw.x",)
REMEDY = (
    "Debian, Ubuntu: apt install quantum-espresso; conda: conda install -c conda-forge qe; and a "
    "folder of pseudopotentials"
)
environment = programs.environment


def available() -> Outcome:
    """Say whether pw.x is there: "done" with its version, or how to get it."""
    found = programs.find_command(VARIABLE, PROGRAMS)
    if found is None:
        return Outcome("missing", f"pw.x is not there: {REMEDY} (or name it by {VARIABLE})")
    folder = os.environ.get(pseudopotentials.VARIABLES["espresso"], "")
    note = folder or "name a folder of pseudopotentials by ESPRESSO_PSEUDO or `pseudopotentials`"
    return Outcome("done", details={"version": version(), "note": f"{' '.join(found)}, {note}"})


def version() -> str:
    """Return the version of pw.x, such as "6.7MaX".

    Raises:
        MissingDependency: pw.x is not there, or does not say.
    """
    found = programs.find_command(VARIABLE, PROGRAMS)
    if found is None:
        raise MissingDependency(f"the engine 'espresso' needs pw.x: {REMEDY}")
    # pw.x has no --version: it names itself, then complains of the empty input
    answer = programs.program_version(found, [], r"Program PWSCF v\.\s*(\S+)", "\n")
    if not answer:
        raise MissingDependency(f"{found[-1]} does not begin as pw.x does")
    return answer


def level(settings: EngineSettings) -> str:
    """Return the level of theory: "PBE-D3/PW-50-500Ry/espresso-6.7MaX"."""
    chosen = _options(settings)
    dispersion = d3.suffix(chosen.dispersion, chosen.three_body)
    cutoffs = f"{chosen.cutoff / RYDBERG:.6g}-{chosen.density_cutoff / RYDBERG:.6g}Ry"
    differences = settings.differences("cutoff", "density_cutoff", "dispersion", "three_body")
    name = f"{chosen.method}{dispersion}/PW-{cutoffs}/espresso-{version()}"
    return f"{name}/{differences}" if differences else name


def check(frame: Frame, settings: EngineSettings) -> None:
    """Refuse what cannot be computed: see `plane_waves.check`."""
    plane_waves.check(frame, settings, _options(settings))


def seconds(frame: Frame, settings: EngineSettings) -> float:
    """Return about how long one label takes, s: valence electrons only."""
    return 2.0 + plane_waves.seconds(frame, settings, _options(settings), 25.0 / 17.0, 0.35)


def label(frame: Frame, settings: dict[str, Any]) -> dict[str, Any] | Outcome:
    """Run pw.x for one frame.

    Args:
        frame: periodic in all directions or in none.
        settings: `EngineSettings.as_dict()`.

    Returns:
        energy (eV), forces (eV/Å), stress (eV/Å³, None without a box), seconds; or an `Outcome`
        "scf_not_converged" or "failed".
    """
    chosen = EngineSettings.from_mapping(settings)
    check(frame, chosen)
    options = _options(chosen)
    begin = time.monotonic()
    files = pseudopotentials.find("espresso", options.pseudopotentials, set(frame.symbols))
    periodic = bool(frame.pbc.all())
    unpaired = unpaired_electrons(frame, chosen)
    box = boxed(frame, options.vacuum)
    text = write_input(box, options, files, round(chosen.charge), unpaired, periodic)
    with programs.workspace("espresso") as folder:
        (folder / "elyte.in").write_text(text)
        command = [*programs.command(VARIABLE, PROGRAMS), "-in", "elyte.in"]
        code, output = programs.run(command, folder, "elyte.out")
    details = {"output": programs.last_words(output)}
    if not converged(output):
        return Outcome(
            "scf_not_converged",
            f"the self-consistent field did not converge in {options.max_iterations} iterations",
            details,
        )
    if code:
        reason = error_message(output) or f"exit code {code}"
        return Outcome("failed", f"Quantum ESPRESSO failed: {reason}", details)
    try:
        labels = read_output(output, len(frame), periodic)
    except FormatError as error:
        return Outcome("failed", str(error), details)
    return {**labels, "seconds": time.monotonic() - begin}


def _options(settings: EngineSettings) -> EspressoSettings:
    assert isinstance(settings.options, EspressoSettings)
    return settings.options
