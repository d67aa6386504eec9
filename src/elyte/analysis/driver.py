"""Everything that can be said about a liquid from its runs: `analyse`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike

from elyte.analysis.convergence import (
    Start,
    convergence_curves,
    drift_warnings,
    equilibration,
    fraction_of,
    halves,
    judged,
    start_warnings,
)
from elyte.analysis.curve import Curve
from elyte.analysis.maps import Cloud, Map
from elyte.analysis.observation import Observation, observe
from elyte.analysis.recording import Recording
from elyte.analysis.steps.context import (
    Context,
    Ensemble,
    Findings,
    Options,
    ReferenceFrame,
    Step,
)
from elyte.analysis.steps.table import WITHOUT_NUMBERS, chosen_steps
from elyte.analysis.system import SystemDescription
from elyte.core.errors import InputError
from elyte.core.progress import Progress, silent
from elyte.core.quantity import Quantity
from elyte.core.trajectory import Trajectory


@dataclass(frozen=True, eq=False)
class Analysis:
    """What was found.

    Args:
        quantities: numbers with errors, or withheld with a reason.
        curves: for plots.
        warnings: what a reader should know before believing them.
        maps: properties as functions of two variables.
        clouds: densities around molecules.
        volume: mean volume of the box, Å³.
    """

    quantities: list[Quantity] = field(default_factory=list)
    curves: list[Curve] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    maps: list[Map] = field(default_factory=list)
    clouds: list[Cloud] = field(default_factory=list)
    volume: float = np.nan

    def add(self, found: Findings) -> None:
        """Take more results."""
        self.quantities.extend(found.quantities)
        self.curves.extend(found.curves)
        self.maps.extend(found.maps)
        self.clouds.extend(found.clouds)

    def find(self, name: str, species: str = "") -> Quantity:
        """Return the quantity with this name and species.

        Raises:
            InputError: there is none.
        """
        for quantity in self.quantities:
            if quantity.name == name and quantity.species == species:
                return quantity
        raise InputError(f"no quantity '{name}' of '{species}' in this analysis")


def analyse(
    trajectories: Sequence[Trajectory | Recording] | Trajectory | Recording,
    system: SystemDescription,
    temperature: float | None = None,
    ensemble: Ensemble | None = None,
    series: Sequence[Mapping[str, ArrayLike]] | None = None,
    currents: Sequence[ArrayLike] | None = None,
    current_timestep: float | None = None,
    frame: ReferenceFrame = "barycentric",
    progress: Progress | None = None,
    options: Options | None = None,
    wanted_error: float | None = None,
) -> Analysis:
    """Compute the properties of a liquid: structure, speciation, dynamics, conduction, density.

    Args:
        trajectories: independent runs of one system, in memory or on disk (`record`).
        system: its species.
        temperature: K; without it nothing that needs k_B T is given.
        ensemble: None: NPT when the volume changes. NPT gives the density and compressibility.
        series: for each run, what was recorded more often than frames, by name: "volume" (Å³),
            "energy" and "enthalpy" (eV), "stress" (eV/Å³, (T, 3, 3)), "timestep" (fs, one number).
        currents: charge currents of the runs, e Å/fs, (T, 3) each, where they were recorded more
            often than frames; None: Green–Kubo from velocities where there are some.
        current_timestep: fs between values of `currents`.
        frame: of reference of collective transport: "barycentric", or "solvent".
        progress: told what is being done.
        options: which properties, pairs of sites, cut-offs, ….
        wanted_error: a relative error. With one, frames before a run has equilibrated are left
            out, and every quantity says in `details["convergence"]` whether it drifts, and how
            long the runs must be for this error.

    Raises:
        InputError: no runs, other atoms than the system's, no periodic box, options that do not
            fit the system.
    """
    runs: list[Trajectory | Recording]
    runs = [trajectories] if isinstance(trajectories, Trajectory | Recording) else [*trajectories]
    if not runs:
        raise InputError("there is no trajectory to analyse")
    report, chosen = progress or silent, options or Options()
    steps = chosen_steps(chosen)
    observations = [observe(run, system) for run in runs]
    kind = ensemble or _ensemble(observations)
    whole = Context(
        observations, system, temperature, kind, chosen, series, currents, current_timestep, frame
    )
    starts = [] if wanted_error is None else _starts(whole)
    context = (
        _part(whole, [slice(s.frame, len(o)) for s, o in zip(starts, whole.runs, strict=True)])
        if any(s.frame for s in starts)
        else whole
    )
    result = Analysis(warnings=_warnings(observations, system), volume=context.volume)
    jobs = len(steps) + (2 * len(steps) if wanted_error is not None else 0)
    for k, step in enumerate(steps):
        report(k, jobs, step.name)
        found = step.run(context)
        context.found.extend(found.quantities)
        result.add(found)
    if wanted_error is not None:
        _judge(result, context, steps, wanted_error, starts, report)
    report(jobs, jobs, "")
    return result


def _starts(context: Context) -> list[Start]:
    series = context.series or [None] * len(context.runs)  # type: ignore[list-item]
    return [equilibration(o, s) for o, s in zip(context.runs, series, strict=True)]


def _part(context: Context, parts: Sequence[slice]) -> Context:
    """Return an analysis of some frames of each run, with what was recorded meanwhile."""
    runs = [o.part(p) for o, p in zip(context.runs, parts, strict=True)]
    frames = [len(o) for o in context.runs]
    series = currents = None
    if context.series is not None:
        series = [
            fraction_of(s, n, p) for s, n, p in zip(context.series, frames, parts, strict=True)
        ]
    if context.currents is not None:
        currents = [
            fraction_of({"current": c}, n, p)["current"]
            for c, n, p in zip(context.currents, frames, parts, strict=True)
        ]
    return replace(context, runs=runs, series=series, currents=currents, found=[])


def _judge(
    result: Analysis,
    context: Context,
    steps: Sequence[Step],
    wanted: float,
    starts: Sequence[Start],
    report: Progress,
) -> None:
    """Compute the halves of all runs, and let every quantity say whether it has converged."""
    done, both = len(steps), []
    if min(map(len, context.runs)) < 2:  # a single frame has no halves
        result.quantities[:] = judged(result.quantities, [[], []], np.nan, wanted, starts)
        return
    for which in (0, 1):
        half = _part(context, [halves(len(o))[which] for o in context.runs])
        for step in steps:
            report(done, 3 * len(steps), f"{step.name}, half of the runs")
            done += 1
            if step.name in WITHOUT_NUMBERS:
                continue
            with suppress(InputError):  # half a run may be too short for what was asked
                half.found.extend(step.run(half).quantities)
        both.append(half.found)
    length = float(np.sum([o.timestep * len(o) for o in context.runs]))
    result.quantities[:] = judged(result.quantities, both, length, wanted, starts)
    result.curves.extend(convergence_curves(result.quantities, context.runs))
    result.warnings.extend(start_warnings(starts) + drift_warnings(result.quantities))


def _ensemble(observations: Sequence[Observation]) -> Ensemble:
    spread = max(float(np.ptp(o.volumes) / o.volumes.mean()) for o in observations)
    return "NPT" if spread > 1e-6 else "NVT"


def _warnings(observations: Sequence[Observation], system: SystemDescription) -> list[str]:
    warnings = [
        f"run {k + 1}: {o.problem}; nothing that depends on time is computed"
        for k, o in enumerate(observations)
        if o.problem
    ]
    if abs(system.total_charge) > 1e-6:
        warnings.append(
            f"the formal charges add up to {system.total_charge:+g} e: "
            "a species or its charge was not recognised"
        )
    unknown = [g.name for g in system.species if g.charge == 0 and g.monatomic]
    if unknown:
        warnings.append(f"single atoms without a charge: {', '.join(unknown)}")
    return warnings
