"""`elyte analyse`: any trajectory to properties with errors."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from elyte.analysis.steps.table import STEPS
from elyte.chemistry.quantities import PRESSURE, TEMPERATURE, TIME
from elyte.cli.analysing import (
    Request,
    StateRuns,
    analyse_states,
    listed,
    named_distances,
    named_numbers,
    named_texts,
    parsed,
    per_file,
    read_states,
    write_results,
)
from elyte.cli.convergence import fraction_option
from elyte.cli.display import Display
from elyte.core.errors import InputError

_NAMES = ", ".join(step.name for step in STEPS)


def analyse(
    trajectories: Annotated[
        list[Path],
        typer.Argument(
            help="Trajectories: independent runs, or runs at several temperatures, pressures, "
            "sizes."
        ),
    ],
    parts: Annotated[
        bool, typer.Option("--parts", help="The files are parts of one run, in their order.")
    ] = False,
    topology: Annotated[
        list[Path] | None,
        typer.Option(
            help="Topology with elements and bonds (what MDAnalysis reads); one, or one "
            "for each trajectory."
        ),
    ] = None,
    temperature: Annotated[
        str | None,
        typer.Option(help='Temperature, "350 K"; one for each trajectory: "300, 320, 340 K".'),
    ] = None,
    pressure: Annotated[
        str | None, typer.Option(help='Pressure, "1 bar"; one for each trajectory: "1, 500 bar".')
    ] = None,
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
    charges: Annotated[
        str, typer.Option(help="Charges of species: formal, or those of the topology's atoms.")
    ] = "formal",
    frame: Annotated[
        str, typer.Option(help="Reference frame of transport: barycentric or solvent.")
    ] = "barycentric",
    properties: Annotated[
        str | None, typer.Option(help=f"What to compute (default: all): {_NAMES}.")
    ] = None,
    without: Annotated[
        str | None, typer.Option(help="What to leave out, of the same names.")
    ] = None,
    pairs: Annotated[
        list[str] | None,
        typer.Option(
            help='Pair of sites for g(r) and coordination: "Li–O(amide)", '
            '"Li–cis H(amide)", "O(EC)–H(DMC)", or MDAnalysis selections. Repeatable.'
        ),
    ] = None,
    cutoff: Annotated[
        list[str] | None,
        typer.Option(
            help="Shell of a species (any atom) or site: BN=2.6, 'O(EC)=3.0 Å'. Repeatable."
        ),
    ] = None,
    dihedral: Annotated[
        list[str] | None, typer.Option(help='Dihedral, "DMC: 1-2-3-4". Repeatable.')
    ] = None,
    conformer: Annotated[
        list[str] | None,
        typer.Option(help='Conformers, "DMC: 1-2-3-4: cis -60..60, trans 120..240". Repeatable.'),
    ] = None,
    vector: Annotated[
        list[str] | None,
        typer.Option(help='Vector whose rotation is followed, "EC: 1-2". Repeatable.'),
    ] = None,
    viscosity: Annotated[
        float | None, typer.Option(help="Pa s, to correct diffusion for the size of the box.")
    ] = None,
    series: Annotated[
        list[Path] | None,
        typer.Option(
            help="Table (CSV, npz) of time, volume, energy, pxx…pyz, jx…jz with units, "
            "one for each trajectory."
        ),
    ] = None,
    wanted_error: Annotated[
        str,
        typer.Option(
            help="Relative error for which to say how long runs must be; their start is then "
            "left out as far as it relaxes. none: take runs as they are."
        ),
    ] = "5%",
    unwrapped: Annotated[
        bool, typer.Option("--unwrapped", help="Positions are unwrapped already.")
    ] = False,
    start: Annotated[int, typer.Option(min=0, help="First frame.")] = 0,
    every: Annotated[int, typer.Option(min=1, help="Use every n-th frame.")] = 1,
    out: Annotated[Path, typer.Option(help="Folder for the page, numbers and curves.")] = Path(
        "analysis"
    ),
) -> None:
    """Compute structure, speciation, dynamics, conductivity and more, each with its error."""
    if frame not in ("barycentric", "solvent"):
        raise InputError(f"--frame is '{frame}'; it is 'barycentric' or 'solvent'")
    if charges not in ("formal", "topology"):
        raise InputError(f"--charges is '{charges}'; it is 'formal' or 'topology'")
    if out.exists() and not out.is_dir():
        raise InputError(f"--out is {out}, which is a file; name a folder")
    out.mkdir(parents=True, exist_ok=True)
    if not os.access(out, os.W_OK):
        raise InputError(f"--out is {out}, in which nothing can be written")
    files = [trajectories] if parts else [[path] for path in trajectories]
    count = len(files)
    request = Request(
        topologies=per_file(topology or [], count, "--topology"),
        temperatures=per_file(listed(temperature, TEMPERATURE, "K"), count, "--temperature"),
        pressures=per_file(listed(pressure, PRESSURE, "bar"), count, "--pressure"),
        series=per_file(series or [], count, "--series"),
        timestep=None if timestep is None else parsed(timestep, TIME, "fs"),
        ensemble=_ensemble(ensemble),
        names=named_texts(name, "--name"),
        charges=named_numbers(charge, "--charge"),
        topology_charges=charges == "topology",
        frame=frame,
        unwrapped=unwrapped,
        frames=slice(start, None, every),
        properties=_words(properties),
        without=_words(without),
        pairs=pairs or [],
        cutoffs=named_distances(cutoff, "--cutoff"),
        dihedrals=dihedral or [],
        conformers=conformer or [],
        vectors=vector or [],
        viscosity=viscosity,
        wanted_error=fraction_option(wanted_error),
    )
    if any(t is not None and t <= 0 for t in request.temperatures):
        raise InputError(f"--temperature is {temperature}: a temperature is above zero K")
    with Display() as display:
        states: list[StateRuns] = read_states(files, request, display.stage("read"))
        analyse_states(states, request, display)
    write_results(states, trajectories, out)


def _ensemble(text: str | None) -> str | None:
    if text is None or text.upper() in ("NVT", "NPT"):
        return None if text is None else text.upper()
    raise InputError(f"--ensemble is '{text}'; it is NVT or NPT")


def _words(text: str | None) -> list[str]:
    return [w for w in (text or "").replace(",", " ").split() if w]
