"""Density functional theory by CP2K: Gaussians and plane waves, GTH pseudopotentials, Γ point.

CP2K doi:10.1063/5.0007045. Orbital transformation, so the gap must not close and no smearing is
in the energy. The program is found as `cp2k`, or by the variable `ELYTE_CP2K`.
"""

from __future__ import annotations

import re
import time
from typing import Any

from elyte.chemistry.reference_settings import Cp2kSettings
from elyte.core.errors import FormatError, InputError, MissingDependency, Outcome
from elyte.core.frame import Frame
from elyte.reference import d3, programs
from elyte.reference.boxes import boxed, check_periodicity, unpaired_electrons
from elyte.reference.cp2k_input import RYDBERG, data_folder, kinds, write_input
from elyte.reference.cp2k_output import abort_message, converged, read_output, scf_steps
from elyte.reference.settings import EngineSettings

TASK = "elyte.reference.cp2k:label"
VARIABLE = "ELYTE_CP2K"
PROGRAMS = ("cp2k.psmp", "cp2k.ssmp", "cp2k.popt", "cp2k")
REMEDY = "Debian, Ubuntu: apt install cp2k; conda: conda install -c conda-forge cp2k"
NEWEST_NEEDED = {"r2SCAN": (8, 1), "B97-3c": (8, 1)}
"""First version that is known to have a functional, with its dispersion."""


def available() -> Outcome:
    """Say whether CP2K is there: "done" with its version, or how to get it."""
    found = programs.find_command(VARIABLE, PROGRAMS)
    if found is None:
        return Outcome("missing", f"CP2K is not there: {REMEDY} (or name it by {VARIABLE})")
    try:
        note = str(data_folder())
    except InputError as error:
        return Outcome("missing", str(error))
    return Outcome("done", details={"version": version(), "note": f"{' '.join(found)}, {note}"})


def version() -> str:
    """Return CP2K's version, such as "2023.1".

    Raises:
        MissingDependency: CP2K is not there, or does not say.
    """
    found = programs.find_command(VARIABLE, PROGRAMS)
    if found is None:
        raise MissingDependency(f"the engine 'cp2k' needs CP2K: {REMEDY}")
    answer = programs.program_version(found, ["--version"], r"CP2K version (\S+)")
    if not answer:
        raise MissingDependency(f"{found[-1]} does not answer --version as CP2K does")
    return answer


def level(settings: EngineSettings) -> str:
    """Return the level of theory: "PBE-D3(BJ)-C9/TZVP-MOLOPT/600Ry/cp2k-2023.1"."""
    chosen = _options(settings)
    dispersion = d3.suffix(chosen.dispersion, chosen.three_body)
    differences = settings.differences("cutoff", "dispersion", "three_body", "basis")
    name = f"{chosen.method}{dispersion}/{chosen.basis}/{chosen.cutoff / RYDBERG:.6g}Ry"
    return f"{name}/cp2k-{version()}" + (f"/{differences}" if differences else "")


def check(frame: Frame, settings: EngineSettings) -> None:
    """Refuse what CP2K cannot compute.

    Raises:
        InputError: periodic in one or two directions, an impossible spin, no basis set for an
            element, or a functional that this version does not have.
    """
    check_periodicity(frame, "cp2k")
    unpaired_electrons(frame, settings)
    chosen = _options(settings)
    kinds(frame.symbols, chosen)
    needed = NEWEST_NEEDED.get(chosen.method)
    here = tuple(int(part) for part in re.findall(r"\d+", version())[:2])
    if needed and here < needed:
        raise InputError(f"CP2K {version()} has no {chosen.method}: take {needed[0]}.{needed[1]}")
    if chosen.method == "r2SCAN" and chosen.dispersion == "d3zero":
        raise InputError("r2SCAN has no D3 with zero damping: take dispersion d3bj, or none")
    if chosen.method == "B97-3c" and chosen.dispersion != "d3bj":
        raise InputError("B97-3c is made with its own D3(BJ): take dispersion d3bj")


environment = programs.environment


def seconds(frame: Frame, settings: EngineSettings) -> float:
    """Return about how long one label takes on one core of a server, s.

    Grids ∝ volume × cutoff^1.5, matrices ∝ atoms²; fitted to ethylene carbonate in 8 Å.
    """
    chosen = _options(settings)
    box = boxed(frame, chosen.vacuum)
    grid = box.volume / 512.0 * (chosen.cutoff / (600.0 * RYDBERG)) ** 1.5
    spins = 1 + (unpaired_electrons(frame, settings) > 0)
    return 3.0 + spins * (15.0 * grid + 45.0 * (len(frame) / 10.0) ** 2)


def label(frame: Frame, settings: dict[str, Any]) -> dict[str, Any] | Outcome:
    """Run CP2K for one frame.

    A self-consistent field that does not converge by DIIS is tried once more by conjugate
    gradients, which are slower and safer.

    Args:
        frame: periodic in all directions or in none.
        settings: `EngineSettings.as_dict()`.

    Returns:
        energy (eV), forces (eV/Å), stress (eV/Å³, None without a box), seconds, scf_steps; or an
        `Outcome` "scf_not_converged" or "failed".
    """
    chosen = EngineSettings.from_mapping(settings)
    check(frame, chosen)
    begin = time.monotonic()
    result: dict[str, Any] | Outcome = Outcome("failed")
    for minimizer in ("DIIS", "CG"):
        result = _run(frame, chosen, minimizer)
        if not (isinstance(result, Outcome) and result.kind == "scf_not_converged"):
            break
    if isinstance(result, Outcome):
        return result
    return {**result, "seconds": time.monotonic() - begin}


def _options(settings: EngineSettings) -> Cp2kSettings:
    assert isinstance(settings.options, Cp2kSettings)
    return settings.options


def _run(frame: Frame, settings: EngineSettings, minimizer: str) -> dict[str, Any] | Outcome:
    options = _options(settings)
    periodic = bool(frame.pbc.all())
    unpaired = unpaired_electrons(frame, settings)
    box = boxed(frame, options.vacuum)
    text = write_input(box, options, round(settings.charge), unpaired, periodic, minimizer)
    with programs.workspace("cp2k") as folder:
        (folder / "elyte.inp").write_text(text)
        command = [*programs.command(VARIABLE, PROGRAMS), "-i", "elyte.inp"]
        code, output = programs.run(command, folder, "elyte.out")
    if not converged(output):
        return Outcome(
            "scf_not_converged",
            f"the self-consistent field did not converge in {options.max_iterations} iterations",
            {"output": programs.last_words(output)},
        )
    if code:
        reason = f"CP2K failed: {abort_message(output) or f'exit code {code}'}"
        if "unknown subsection" in reason:
            reason += f"; this version, {version()}, has no {options.method}"
        return Outcome("failed", reason, {"output": programs.last_words(output)})
    try:
        labels = read_output(output, len(frame), periodic)
    except FormatError as error:
        return Outcome("failed", str(error), {"output": programs.last_words(output)})
    # Hirshfeld's charges of a small periodic cell miss their sum by tenths of an electron: as a
    # check of the electrons they would refuse good labels.
    return {**labels, "charges": None, "scf_steps": scf_steps(output)}
