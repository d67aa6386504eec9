"""`elyte analyse`: any trajectory to properties with errors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from elyte.analysis import Analysis, SystemDescription, describe
from elyte.analysis import analyse as analyse_trajectories
from elyte.analysis.export import write_curves
from elyte.analysis.loading import record
from elyte.analysis.recording import Recording
from elyte.chemistry.quantities import TEMPERATURE, TIME, parse
from elyte.cli.display import Display
from elyte.core.errors import InputError, RecipeError
from elyte.report import ReportData, build_report, from_analysis, property_table


def analyse(
    trajectories: Annotated[
        list[Path], typer.Argument(help="Trajectories: independent runs of one system.")
    ],
    parts: Annotated[
        bool, typer.Option("--parts", help="The files are parts of one run, in their order.")
    ] = False,
    topology: Annotated[
        Path | None, typer.Option(help="Topology with elements and bonds (what MDAnalysis reads).")
    ] = None,
    temperature: Annotated[str | None, typer.Option(help='Temperature, "350 K".')] = None,
    timestep: Annotated[
        str | None, typer.Option(help='Time between stored frames, "10 fs" or "0.5 ps".')
    ] = None,
    ensemble: Annotated[
        str | None, typer.Option(help="NVT or NPT (default: seen from the volume).")
    ] = None,
    name: Annotated[
        list[str] | None, typer.Option(help="Name of a species: C3H6O3=DMC. Repeatable.")
    ] = None,
    charge: Annotated[
        list[str] | None, typer.Option(help="Charge of a species in e: Li+=0.8. Repeatable.")
    ] = None,
    frame: Annotated[
        str, typer.Option(help="Reference frame of transport: barycentric or solvent.")
    ] = "barycentric",
    unwrapped: Annotated[
        bool, typer.Option("--unwrapped", help="Positions are unwrapped already.")
    ] = False,
    start: Annotated[int, typer.Option(min=0, help="First frame.")] = 0,
    every: Annotated[int, typer.Option(min=1, help="Use every n-th frame.")] = 1,
    out: Annotated[Path, typer.Option(help="Folder for the page, numbers and curves.")] = Path(
        "analysis"
    ),
) -> None:
    """Compute density, structure, speciation, diffusion and conductivity, each with its error."""
    kind = _ensemble(ensemble)
    if frame not in ("barycentric", "solvent"):
        raise InputError(f"--frame is '{frame}'; it is 'barycentric' or 'solvent'")
    kelvin = None if temperature is None else _parsed(temperature, TEMPERATURE, "K")
    femtoseconds = None if timestep is None else _parsed(timestep, TIME, "fs")
    if out.exists() and not out.is_dir():
        raise InputError(f"--out is {out}, which is a file; name a folder")
    if kelvin is not None and kelvin <= 0:
        raise InputError(f"the temperature is {kelvin:g} K; it must be above zero")
    with Display() as display:
        report = display.stage("read")
        runs = []
        files = [trajectories] if parts else [[path] for path in trajectories]
        for k, run in enumerate(files):
            report(k, len(files), ", ".join(path.name for path in run))
            runs.append(record(run, topology, femtoseconds, unwrapped, slice(start, None, every)))
        system = describe(runs[0][0], _pairs(name, "--name"), _charges(charge))
        result = analyse_trajectories(
            runs,
            system,
            kelvin,
            kind,  # type: ignore[arg-type]
            frame=frame,  # type: ignore[arg-type]
            progress=display.stage("analyse"),
        )
    _write(result, system, runs, trajectories, kelvin, out)


def _parsed(text: str, dimension: object, unit: str) -> float:
    """Parse "350 K"; a bare number is in `unit`."""
    try:
        float(text)
    except ValueError:
        pass
    else:
        text = f"{text} {unit}"
    try:
        return float(parse(text, dimension))  # type: ignore[arg-type]
    except RecipeError as error:
        raise InputError(str(error)) from error


def _ensemble(text: str | None) -> str | None:
    if text is None or text.upper() in ("NVT", "NPT"):
        return None if text is None else text.upper()
    raise InputError(f"--ensemble is '{text}'; it is NVT or NPT")


def _pairs(values: list[str] | None, option: str) -> dict[str, str]:
    table = {}
    for value in values or []:
        left, separator, right = value.partition("=")
        if not (separator and left and right):
            raise InputError(f"{option} is '{value}'; write it as NAME=VALUE")
        table[left.strip()] = right.strip()
    return table


def _charges(values: list[str] | None) -> dict[str, float]:
    table = {}
    for species, text in _pairs(values, "--charge").items():
        try:
            table[species] = float(text.replace("−", "-"))
        except ValueError as error:
            raise InputError(f"the charge of {species} is '{text}', not a number") from error
    return table


def _write(
    result: Analysis,
    system: SystemDescription,
    runs: list[Recording],
    files: list[Path],
    temperature: float | None,
    out: Path,
) -> None:
    out.mkdir(parents=True, exist_ok=True)
    write_curves(result.curves, out / "curves")
    names = [""] * system.n_molecules
    charges = [0.0] * system.n_molecules
    for group in system.species:
        for molecule in group.molecules:
            names[molecule], charges[molecule] = group.name, group.charge
    data = ReportData(
        title="Analysis of " + ", ".join(f.name for f in files),
        realised=[(g.name, f"{len(g)} × charge {g.charge:+g}") for g in system.species],
        quantities=result.quantities,
        curves=[from_analysis(c, c.group or c.name, temperature) for c in result.curves],
        frame=runs[0][-1],
        molecule_names=names,
        molecule_charges=charges,
        warnings=result.warnings,
    )
    page = build_report(data, out)
    console = Console(soft_wrap=True, highlight=False)
    species = ", ".join(f"{len(g)} {g.name}" for g in system.species)
    console.print(f"{len(runs)} run(s), {len(runs[0])} frames, {species}", markup=False)
    console.print(property_table(result.quantities))
    for warning in result.warnings:
        console.print(f"note: {warning}", markup=False)
    console.print(f"page: {page}, numbers: {out / 'properties.json'}, curves: {out / 'curves'}")
