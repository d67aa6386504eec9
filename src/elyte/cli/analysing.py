"""Behind `elyte analyse`: read runs, group them by state point, analyse, write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from elyte.analysis import Analysis, Options, SpeciesGroup, SystemDescription, analyse, describe
from elyte.analysis.across import BAR_IN_GPA, StatePoint, across
from elyte.analysis.export import write_clouds, write_curves, write_maps
from elyte.analysis.loading import record
from elyte.analysis.recorded import read_series
from elyte.analysis.recording import Recording
from elyte.analysis.steps.context import Findings
from elyte.analysis.universe import topology_charges, universe_from
from elyte.chemistry.quantities import LENGTH, parse
from elyte.cli.convergence import write_convergence
from elyte.cli.display import Display, wide_console
from elyte.core.errors import InputError, RecipeError
from elyte.core.progress import Progress
from elyte.core.quantity import Quantity
from elyte.report import (
    ReportData,
    build_report,
    cloud_from_analysis,
    from_analysis,
    map_from_analysis,
    print_properties,
)

Item = TypeVar("Item")


@dataclass(frozen=True, eq=False)
class Request:
    """What the command asks for; lists have one entry for each trajectory (or all None)."""

    topologies: Sequence[Path | None]
    temperatures: Sequence[float | None]
    pressures: Sequence[float | None]
    series: Sequence[Path | None]
    timestep: float | None
    ensemble: str | None
    names: dict[str, str]
    charges: dict[str, float]
    topology_charges: bool
    frame: str
    unwrapped: bool
    frames: slice
    properties: Sequence[str]
    without: Sequence[str]
    pairs: Sequence[str]
    cutoffs: dict[str, float]
    dihedrals: Sequence[str]
    conformers: Sequence[str]
    vectors: Sequence[str]
    viscosity: float | None
    wanted_error: float | None = None


@dataclass(eq=False)
class StateRuns:
    """The runs at one state point: one system, temperature and pressure."""

    temperature: float | None
    pressure: float | None
    topology: Path | None
    runs: list[Recording] = field(default_factory=list)
    series: list[dict[str, Any]] = field(default_factory=list)
    system: SystemDescription | None = None
    found: Analysis | None = None


# ---------------------------------------------------------------- options


def parsed(text: str, dimension: Any, unit: str) -> float:
    """Parse "350 K"; a bare number is in `unit`."""
    try:
        float(text)
    except ValueError:
        pass
    else:
        text = f"{text} {unit}"
    try:
        return float(parse(text, dimension))
    except RecipeError as error:
        raise InputError(str(error)) from error


def listed(text: str | None, dimension: Any, unit: str) -> list[float]:
    """Parse "300, 320, 340 K": the last unit counts for those without one."""
    if text is None:
        return []
    parts = [p.strip() for p in text.split(",")]
    last = parts[-1].split()
    shared = last[1] if len(last) > 1 else unit
    return [parsed(p, dimension, shared) for p in parts]


def per_file(values: Sequence[Item], count: int, option: str) -> list[Item | None]:
    """Return one value for each trajectory: the one that was given, or as many as there are."""
    if len(values) in (0, 1):
        return [values[0] if values else None] * count
    if len(values) != count:
        raise InputError(f"{option} has {len(values)} values for {count} trajectories")
    return list(values)


def named_texts(values: Sequence[str] | None, option: str) -> dict[str, str]:
    """Parse NAME=VALUE."""
    table = {}
    for value in values or []:
        left, separator, right = value.rpartition("=")
        if not (separator and left and right):
            raise InputError(f"{option} is '{value}'; write it as NAME=VALUE")
        table[left.strip()] = right.strip()
    return table


def named_numbers(values: Sequence[str] | None, option: str) -> dict[str, float]:
    """Parse NAME=NUMBER."""
    table = {}
    for species, text in named_texts(values, option).items():
        try:
            table[species] = float(text.replace("−", "-"))
        except ValueError as error:
            raise InputError(f"{option}: '{text}' of {species} is not a number") from error
    return table


def named_distances(values: Sequence[str] | None, option: str) -> dict[str, float]:
    """Parse NAME=DISTANCE, in Å where no unit stands."""
    return {k: parsed(v, LENGTH, "Å") for k, v in named_texts(values, option).items()}


# ---------------------------------------------------------------- reading


def read_states(files: Sequence[list[Path]], request: Request, report: Progress) -> list[StateRuns]:
    """Open the trajectories, each of one or more files, and gather those of one state point."""
    states: dict[tuple[Any, ...], StateRuns] = {}
    for k, parts in enumerate(files):
        report(k, len(files), ", ".join(p.name for p in parts))
        topology = request.topologies[k]
        run = record(parts, topology, request.timestep, request.unwrapped, request.frames)
        place = request.temperatures[k], request.pressures[k]
        key = (*place, run.numbers.tobytes())
        state = states.setdefault(key, StateRuns(*place, topology))
        state.runs.append(run)
        series = request.series[k]
        if series is not None:
            state.series.append(read_series(series))
    for state in states.values():
        state.system = _describe(state, request)
    return list(states.values())


def _describe(state: StateRuns, request: Request) -> SystemDescription:
    frame = state.runs[0][0]
    if not request.topology_charges:
        return describe(frame, request.names, request.charges)
    charges = None if state.topology is None else topology_charges(state.topology)
    if charges is None:
        raise InputError("--charges topology: the topology has no charges of atoms")
    system = describe(frame, request.names)
    own = {g.name: float(charges[g.atoms].sum(axis=1).mean()) for g in system.species}
    found = {name: 0.0 if abs(q) < 1e-3 else round(q, 6) for name, q in own.items()}
    return describe(frame, request.names, {**found, **request.charges})


def analyse_states(states: Sequence[StateRuns], request: Request, display: Display) -> None:
    """Analyse each state point."""
    for state in states:
        assert state.system is not None  # described as it was read
        place = f" {label(state)}" if len(states) > 1 else ""
        currents = [s["current"] for s in state.series if "current" in s]
        step = float(state.series[0]["timestep"]) if state.series else None
        whole = len(currents) == len(state.runs)
        state.found = analyse(
            state.runs,
            state.system,
            state.temperature,
            request.ensemble,  # type: ignore[arg-type]
            series=state.series or None,
            currents=currents if whole else None,
            current_timestep=step if whole else None,
            frame=request.frame,  # type: ignore[arg-type]
            progress=display.stage(f"analyse{place}"),
            options=_options(state, request),
            wanted_error=request.wanted_error,
        )


def _options(state: StateRuns, request: Request) -> Options:
    topology = state.topology
    return Options(
        properties=request.properties,
        without=request.without,
        pairs=request.pairs,
        cutoffs=request.cutoffs,
        dihedrals=request.dihedrals,
        conformers=request.conformers,
        vectors=request.vectors,
        viscosity=request.viscosity,
        atom_charges=None if topology is None else topology_charges(topology),
        universe=None if topology is None else lambda: universe_from(topology),
    )


def label(state: StateRuns) -> str:
    """Return "300 K, 1 bar, 40 molecules" as far as it is known."""
    parts = [] if state.temperature is None else [f"{state.temperature:g} K"]
    parts += [] if state.pressure is None else [f"{state.pressure:g} bar"]
    size = 0 if state.system is None else state.system.n_molecules
    return ", ".join([*parts, f"{size} molecules"])


# ---------------------------------------------------------------- results


def write_results(states: Sequence[StateRuns], files: Sequence[Path], out: Path) -> None:
    """Write the page, the numbers, and a file for each curve, map and density."""
    out.mkdir(parents=True, exist_ok=True)
    together = across([_point(s) for s in states])
    for state in states:
        place = out / "curves" if len(states) == 1 else out / "curves" / label(state)
        _write_files(_analysis(state), place)
    if len(states) > 1:
        _write_files(together, out / "curves")
    data = _report(states, files, together)
    page = build_report(data, out)
    _print(states, data, page, out)


def _analysis(state: StateRuns) -> Analysis:
    assert state.found is not None  # analysed before it is written
    return state.found


def _point(state: StateRuns) -> StatePoint:
    pressure = None if state.pressure is None else state.pressure * BAR_IN_GPA
    size = 0 if state.system is None else state.system.n_molecules
    return StatePoint(_analysis(state), state.temperature, pressure, size)


def _write_files(found: Analysis | Findings, folder: Path) -> None:
    write_curves(found.curves, folder)
    write_maps(found.maps, folder)
    write_clouds(found.clouds, folder)


def _report(states: Sequence[StateRuns], files: Sequence[Path], together: Findings) -> ReportData:
    first = states[0]
    system = first.system
    assert system is not None  # described as it was read
    names = [""] * system.n_molecules
    charges = [0.0] * system.n_molecules
    for group in system.species:
        for molecule in group.molecules:
            names[molecule], charges[molecule] = group.name, group.charge
    marks = {id(s): _mark(s, states) for s in states}
    found = [(s, _analysis(s), marks[id(s)]) for s in states]
    quantities = [_marked(q, mark) for _, a, mark in found for q in a.quantities]
    return ReportData(
        title="Analysis of " + ", ".join(f.name for f in files[:4]) + (" …" if files[4:] else ""),
        realised=[(g.name, _counted(g)) for g in system.species],
        quantities=[*quantities, *together.quantities],
        curves=[
            *(_curve(c, s.temperature, mark) for s, a, mark in found for c in a.curves),
            *(from_analysis(c, c.group or c.name) for c in together.curves),
        ],
        maps=[map_from_analysis(m, s.temperature, mark) for s, a, mark in found for m in a.maps],
        clouds=[cloud_from_analysis(c) for c in found[0][1].clouds],
        frame=first.runs[0][-1],
        molecule_names=names,
        molecule_charges=charges,
        warnings=[w for _, a, mark in found for w in _warnings(a, mark)],
    )


def _counted(group: SpeciesGroup) -> str:
    charge = f"charge {group.charge:+g} e" if group.charge else "neutral"
    atoms = "1 atom" if group.monatomic else f"{group.atoms.shape[1]} atoms"
    return f"{len(group)} of {atoms}, {charge}"


def _mark(state: StateRuns, states: Sequence[StateRuns]) -> str:
    """What tells a state point from others at its temperature."""
    same = [s for s in states if s.temperature == state.temperature]
    parts = []
    if len({s.pressure for s in same}) > 1:
        parts.append(f"{state.pressure:g} bar")
    if len({s.runs[0].positions.shape[1] for s in same}) > 1:
        parts.append(f"{state.runs[0].positions.shape[1]} atoms")
    return ", ".join(parts)


def _marked(quantity: Quantity, mark: str) -> Quantity:
    if not mark:
        return quantity
    species = f"{quantity.species} ({mark})" if quantity.species else mark
    return Quantity(**{**quantity.__dict__, "species": species})


def _curve(curve: Any, temperature: float | None, mark: str) -> Any:
    shown = f"{curve.label} ({mark})" if mark and curve.label else curve.label or mark
    changed = type(curve)(**{**curve.__dict__, "label": shown})
    return from_analysis(changed, curve.group or curve.name, temperature)


def _warnings(found: Analysis, mark: str) -> list[str]:
    return [f"{mark}: {w}" if mark else w for w in found.warnings]


def _print(states: Sequence[StateRuns], data: ReportData, page: Path, out: Path) -> None:
    console = wide_console()
    for state in states:
        assert state.system is not None  # described as it was read
        species = ", ".join(f"{len(g)} {g.name}" for g in state.system.species)
        place = f"{label(state)}: " if len(states) > 1 else ""
        frames = int(np.median([len(r) for r in state.runs]))
        console.print(f"{place}{len(state.runs)} run(s), {frames} frames, {species}", markup=False)
    print_properties(data.quantities, console)
    write_convergence(data.quantities, out)
    for warning in data.warnings:
        console.print(f"note: {warning}", markup=False)
    console.print(
        f"page: {page}, numbers: {out / 'properties.json'}, curves: {out / 'curves'}",
        markup=False,
    )
