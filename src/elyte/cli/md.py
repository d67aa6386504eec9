"""`elyte md`: molecular dynamics of a structure with a potential."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from ase.io import write
from rich.console import Console
from rich.markup import escape

from elyte import load
from elyte.chemistry import BondWatch
from elyte.chemistry.quantities import PRESSURE, TEMPERATURE, TIME, Dimension, parse
from elyte.cli.analysing import named_numbers
from elyte.cli.dispersion import CutoffOption, potential_of
from elyte.cli.display import Display
from elyte.cli.elements import elements_of
from elyte.cli.observe import Observing, mean_volume
from elyte.core.errors import FormatError, InputError, Outcome
from elyte.core.formats import read_frames
from elyte.core.frame import Frame
from elyte.core.h5md import SUFFIXES, TrajectoryWriter
from elyte.core.progress import Progress
from elyte.core.units import DENSITY_TO_G_PER_CM3
from elyte.dynamics import (
    DecompositionWatch,
    GradeWatch,
    HeatWatch,
    MDState,
    RunResult,
    RunSettings,
    StopRule,
    VoidWatch,
    relax,
    simulate,
)
from elyte.potentials import Sum
from elyte.selection import ActiveSet

SEGMENT = 5000  # steps between two saved states

# Columns of OUT.csv with their units, as `elyte analyse --series` reads them.
SERIES = {
    "step": "", "time": "fs", "potential": "eV", "kinetic": "eV", "energy": "eV",
    "conserved": "eV", "temperature": "K", "volume": "A3", "pressure_bar": "bar",
    **dict.fromkeys(("pxx", "pyy", "pzz", "pyz", "pxz", "pxy"), "bar"),
}  # fmt: skip
_SERIES_HEADER = ",".join(
    f"{name.removesuffix('_bar')} ({unit})" if unit else name for name, unit in SERIES.items()
)


def md(
    potential: Annotated[Path, typer.Argument(help="Potential (.almtp, .mtp).")],
    structure: Annotated[Path, typer.Argument(help="Structure (extxyz, or any format of ASE).")],
    time: Annotated[str, typer.Option(help="Length of the run: 100ps.")],
    out: Annotated[Path, typer.Option(help="Trajectory to write (H5MD).")] = Path("traj.h5md"),
    ensemble: Annotated[str, typer.Option(help="nve, nvt or npt.")] = "nvt",
    temperature: Annotated[str, typer.Option(help="350K, or a ramp: 300K:400K.")] = "300K",
    pressure: Annotated[str, typer.Option(help="1bar, or a ramp: 1bar:200MPa (npt).")] = "1bar",
    timestep: Annotated[str, typer.Option(help="Time step.")] = "1fs",
    thermostat: Annotated[str, typer.Option(help="bussi, nose-hoover or langevin.")] = "bussi",
    thermostat_time: Annotated[str, typer.Option(help="Its relaxation time.")] = "100fs",
    barostat: Annotated[str, typer.Option(help="scr or mtk.")] = "scr",
    barostat_time: Annotated[str, typer.Option(help="Its relaxation time.")] = "1.5ps",
    save_every: Annotated[str, typer.Option(help="Time between saved frames.")] = "100fs",
    series_every: Annotated[str, typer.Option(help="Time between rows of the series.")] = "10fs",
    velocities: Annotated[bool, typer.Option("--velocities", help="Save them, too.")] = False,
    relax_first: Annotated[
        bool, typer.Option("--relax", help="Relax the structure to forces below 0.5 eV/Å first.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Of velocities, thermostat and barostat.")] = 0,
    species: Annotated[
        str | None, typer.Option(help="Elements of the potential's types, in order: H,C,O.")
    ] = None,
    index: Annotated[int, typer.Option(help="Frame of a file of many; -1 is the last.")] = -1,
    active_set: Annotated[
        Path | None, typer.Option(help="Active set (.npz): watch the extrapolation grade.")
    ] = None,
    grade_every: Annotated[
        int, typer.Option(min=0, help="Steps between two grades; 0 chooses: every one if cheap.")
    ] = 0,
    grade_save: Annotated[float, typer.Option(help="Keep frames above this grade.")] = 2.0,
    grade_stop: Annotated[float, typer.Option(help="Stop above this grade.")] = 10.0,
    watch: Annotated[
        bool, typer.Option(help="Stop at changed bonds, a temperature run away, or a void.")
    ] = True,
    observe: Annotated[
        list[str] | None,
        typer.Option(help="Property to accumulate while it runs: conductivity, diffusion."),
    ] = None,
    observe_every: Annotated[str, typer.Option(help="Time between two observations.")] = "10fs",
    observe_window: Annotated[
        str, typer.Option(help="Longest time that observations are correlated over.")
    ] = "50ps",
    charge: Annotated[
        list[str] | None, typer.Option(help="Charge of a species in e: Li+=0.8. Repeatable.")
    ] = None,
    dispersion: Annotated[
        str | None, typer.Option(help="Add D3(BJ) of this functional: PBE, r2SCAN, GFN1-xTB, ….")
    ] = None,
    dispersion_cutoff: CutoffOption = "12 Å",
    threads: Annotated[int, typer.Option(min=1, help="Threads of the potential.")] = 1,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the state beside the trajectory.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a trajectory that is there.")
    ] = False,
) -> None:
    """Run molecular dynamics of a structure with a potential.

    Beside the trajectory stand the series (OUT.csv) and the state (OUT.state.npz), from which
    the same command with --resume goes on; frames that extrapolate go to OUT.extrapolating.xyz,
    what was observed to OUT.observed.json.
    """
    _check_out(out, resume, overwrite)
    step = _measure(timestep, TIME, "--timestep")
    if not step > 0:
        raise InputError(f"--timestep is {timestep}; it must be above zero")
    settings = RunSettings(
        ensemble=ensemble.upper(),  # type: ignore[arg-type]
        temperature=_ramp(temperature, TEMPERATURE, "--temperature"),
        pressure_bar=_ramp(pressure, PRESSURE, "--pressure"),
        steps=_steps(time, step, "--time"),
        timestep=step,
        thermostat=thermostat,  # type: ignore[arg-type]
        thermostat_time=_measure(thermostat_time, TIME, "--thermostat-time"),
        barostat=barostat,  # type: ignore[arg-type]
        barostat_time=_measure(barostat_time, TIME, "--barostat-time"),
        series_every=_steps(series_every, step, "--series-every"),
        frames_every=_steps(save_every, step, "--save-every"),
        flux_every=_steps(observe_every, step, "--observe-every") if observe else 0,
        velocities=velocities,
    )
    elements = elements_of(species)
    model = load(potential, species=elements)
    frame = _frame(structure, index, elements)
    model.evaluate([frame])  # an unknown element or atoms at one point, before a file is made
    rules = _rules(frame, settings) if watch else []
    grades: list[GradeWatch] = []
    if active_set is not None:
        grade = ActiveSet.load(active_set, model).grade_function(model)
        grades = [GradeWatch(grade, grade_save, grade_stop, grade_every)]
    force_field: Any = model
    if dispersion is not None:
        force_field = Sum((model, potential_of(dispersion, dispersion_cutoff, model.species)))
    run = _Run(out, force_field, settings, [*grades, *rules], seed, threads)
    run.observing = Observing.of(
        observe or [], frame, settings, settings.flux_every,
        _measure(observe_window, TIME, "--observe-window"),
        out.with_name(f"{out.name}.observed.npz"), named_numbers(charge, "--charge"),
    )  # fmt: skip
    with Display() as display:
        state = run.saved_state() if resume else None
        if relax_first and state is None:
            fast = model.native(threads=threads) if dispersion is None else force_field
            frame = _relaxed(frame, fast, display)
        try:
            outcome = run.go(frame, state, display.stage("dynamics"))
        except KeyboardInterrupt:
            display.say(f"stopped; go on with the same command and --resume ({run.state_path})")
            raise typer.Exit(130) from None
    run.write_extrapolating(grades)
    if run.observing is not None and run.last is not None:
        run.observing.report(mean_volume(run.series_path), out)
    _report(outcome, run, frame)


def _check_out(out: Path, resume: bool, overwrite: bool) -> None:
    if out.suffix.lower() not in SUFFIXES:
        raise InputError(f"--out is {out}; a trajectory (H5MD) ends in {', '.join(SUFFIXES)}")
    if resume and overwrite:
        raise InputError("--resume goes on with a trajectory, --overwrite replaces it: choose one")
    if out.exists() and not (resume or overwrite):
        raise InputError(
            f"{out} is there already: --resume goes on with it, --overwrite replaces it"
        )


def _measure(text: str, dimension: Dimension, option: str) -> float:
    """Return a quantity in the internal unit; a bare number is refused, as in a recipe."""
    try:
        return parse(text, dimension)
    except InputError as error:
        raise InputError(f"{option}: {error}") from error


def _ramp(text: str, dimension: Dimension, option: str) -> float | tuple[float, float]:
    """Return one value, or (start, end) of a ramp written as "300K:400K"."""
    parts = text.split(":")
    if len(parts) > 2:
        raise InputError(f"{option}: '{text}' has more than a start and an end")
    values = [_measure(part, dimension, option) for part in parts]
    return values[0] if len(values) == 1 else (values[0], values[1])


def _steps(text: str, timestep: float, option: str) -> int:
    """Return how many steps a time is; it must be at least one."""
    steps = round(_measure(text, TIME, option) / timestep)
    if steps < 1:
        raise InputError(f"{option}: {text} is shorter than a time step of {timestep:g} fs")
    return steps


def _frame(path: Path, index: int, elements: list[str] | None) -> Frame:
    frames = read_frames(path, elements)
    if not -len(frames) <= index < len(frames):
        raise InputError(f"--index {index}: {path} has {len(frames)} frame(s)")
    return frames[index]


def _rules(frame: Frame, settings: RunSettings) -> list[StopRule]:
    rules: list[StopRule] = [DecompositionWatch(BondWatch(frame)), HeatWatch()]
    if frame.pbc.all() and settings.ensemble != "NVE":
        rules.append(VoidWatch(every=10_000))
    return rules


def _relaxed(frame: Frame, potential: Any, display: Display) -> Frame:
    relaxed = relax(frame, potential, progress=display.stage("relax"))
    force = relaxed.outcome.details["largest_force"]
    display.say(f"relaxed to a largest force of {force:.2f} eV/Å")
    return relaxed.frame


@dataclass
class _Run:
    """A run in segments: after each, the state and the series are on disk."""

    out: Path
    potential: Any
    settings: RunSettings
    rules: list[StopRule]
    seed: int
    threads: int = 1
    last: RunResult | None = None
    observing: Observing | None = None

    @property
    def state_path(self) -> Path:
        return self.out.with_name(f"{self.out.name}.state.npz")

    @property
    def series_path(self) -> Path:
        return self.out.with_name(f"{self.out.name}.csv")

    def saved_state(self) -> MDState | None:
        """Return the state to go on from, or None when nothing was saved yet.

        Raises:
            InputError: it was reached with another time step (times would not be those of steps)
                or under other conditions (one series would be of two ensembles).
        """
        if not self.state_path.exists():
            return None
        state = MDState.load(self.state_path)
        timestep, conditions = self.settings.timestep, self.settings.conditions
        if abs(state.time - state.step * timestep) > 1e-6 * state.time:
            before = state.time / state.step
            raise InputError(
                f"{self.state_path} was reached with a time step of {before:g} fs, not "
                f"{timestep:g} fs: give --timestep {before:g}fs, or begin another --out"
            )
        if state.conditions and state.conditions != conditions:
            raise InputError(
                f"{self.state_path} was reached in {state.conditions}, not in {conditions}: give "
                f"the same options, or begin another --out from {self.out}"
            )
        return state

    def go(self, frame: Frame, state: MDState | None, progress: Progress) -> Outcome:
        begin = 0 if state is None else state.step
        if begin > self.settings.steps:
            raise InputError(f"the saved state is at step {begin}, beyond the end of this run")
        observing = self.observing
        if observing is not None and begin:
            observing.restore(begin)
        self._cut_series(begin)
        self.out.parent.mkdir(parents=True, exist_ok=True)
        append_after = None if state is None else begin
        with TrajectoryWriter(
            self.out, frame, self.settings.velocities, append_after=append_after
        ) as writer:
            outcome = Outcome()
            while outcome.done and (begin < self.settings.steps or self.last is None):
                self.last = simulate(
                    frame,
                    self.potential,
                    self.settings,
                    state,
                    self.seed,
                    observers=observing.looking if observing is not None else [],
                    stop_rules=self.rules,
                    progress=progress,
                    began=0,
                    until=SEGMENT * (begin // SEGMENT + 1),
                    flux=observing.flux if observing is not None else None,
                    writer=writer,
                    threads=self.threads,
                )
                outcome, state = self.last.outcome, self.last.state
                begin = state.step
                self._append_series(self.last)
                if observing is not None:
                    observing.segment(self.last.series, begin)
                state.save(self.state_path)
        return outcome

    def _cut_series(self, step: int) -> None:
        """Drop the rows after the step to go on from; they will be computed again."""
        if not step or not self.series_path.exists():
            self.series_path.unlink(missing_ok=True)
            return
        lines = self.series_path.read_text().splitlines(keepends=True)
        if lines[:1] != [_SERIES_HEADER + "\n"]:
            raise FormatError(f"{self.series_path}: other columns than this version writes")
        try:
            kept = [line for line in lines[1:] if float(line.split(",", 1)[0]) <= step]
        except ValueError as error:
            raise FormatError(f"{self.series_path}: not the series of a run ({error})") from error
        self.series_path.write_text("".join([lines[0], *kept]))

    def _append_series(self, result: RunResult) -> None:
        columns = result.series | {"energy": result.series["potential"] + result.series["kinetic"]}
        table = np.column_stack([columns[name] for name in SERIES])
        header = "" if self.series_path.exists() else _SERIES_HEADER
        with self.series_path.open("a", encoding="utf-8") as file:
            np.savetxt(file, table, "%.10g", delimiter=",", header=header, comments="")

    def write_extrapolating(self, watches: list[GradeWatch]) -> None:
        """Write the frames that a grade watch kept, for labelling."""
        saved = [item for watch in watches for item in watch.saved]
        if not saved:
            return
        path = self.out.with_name(f"{self.out.name}.extrapolating.xyz")
        atoms = [frame.to_ase() for frame, _ in saved]
        for one, (_, grade) in zip(atoms, saved, strict=True):
            one.info["grade"] = grade
        write(path, atoms, format="extxyz")


def _report(outcome: Outcome, run: _Run, frame: Frame) -> None:
    console = Console(highlight=False, soft_wrap=True)
    result = run.last
    if result is not None and len(result.series.get("step", ())):
        s = result.series
        line = f"{s['temperature'].mean():.1f} K"
        if frame.pbc.all():
            line += f", {s['pressure_bar'].mean():.0f} bar"
            density = frame.masses.sum() / s["volume"].mean() * DENSITY_TO_G_PER_CM3
            line += f", {density:.4f} g/cm³"
        console.print(f"last segment: {line} (means); {result.speed:.0f} steps/s")
    console.print(
        f"trajectory: {run.out}, series: {run.series_path}, state: {run.state_path}",
        markup=False,
    )
    if not outcome.done:
        console.print(f"[bold red]{outcome.kind}[/bold red]  {escape(outcome.reason)}")
        raise typer.Exit(3)
