"""Everything that can be said about a liquid from its runs: `analyse`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from elyte.analysis.curve import Curve
from elyte.analysis.observation import Observation, observe
from elyte.analysis.recording import Recording
from elyte.analysis.structure.report import structure
from elyte.analysis.system import SystemDescription
from elyte.analysis.thermo.density import density, density_curve, density_series, fixed_density
from elyte.analysis.thermo.fluctuations import compressibility
from elyte.analysis.transport.report import charge_transport, diffusion, transport_withheld
from elyte.core.errors import InputError
from elyte.core.progress import Progress, silent
from elyte.core.quantity import Quantity
from elyte.core.trajectory import Trajectory

Ensemble = Literal["NVT", "NPT"]
Frame_ = Literal["barycentric", "solvent"]


@dataclass(frozen=True, eq=False)
class Analysis:
    """What was found.

    Args:
        quantities: numbers with errors, or withheld with a reason.
        curves: for plots.
        warnings: what a reader should know before believing them.
    """

    quantities: list[Quantity] = field(default_factory=list)
    curves: list[Curve] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def add(self, quantities: Sequence[Quantity], curves: Sequence[Curve] = ()) -> None:
        """Take more results."""
        self.quantities.extend(quantities)
        self.curves.extend(curves)

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
    frame: Frame_ = "barycentric",
    progress: Progress | None = None,
) -> Analysis:
    """Compute density, structure, speciation, diffusion and conduction of a liquid.

    Args:
        trajectories: independent runs of one system, in memory or on disk (`record`).
        system: its species.
        temperature: K; without it nothing that needs k_B T is given.
        ensemble: None: NPT when the volume changes. NPT gives the density and compressibility.
        series: for each run, "volume" (Å³) at equal times where it was recorded more often than
            frames; None: from the frames.
        currents: charge currents of the runs, e Å/fs, (T, 3) each, where they were recorded more
            often than frames; None: Green–Kubo from velocities where there are some.
        current_timestep: fs between values of `currents`.
        frame: of reference of collective transport: "barycentric", or "solvent".
        progress: told what is being done.

    Raises:
        InputError: no runs, other atoms than the system's, no periodic box.
    """
    runs: list[Trajectory | Recording]
    runs = [trajectories] if isinstance(trajectories, Trajectory | Recording) else [*trajectories]
    if not runs:
        raise InputError("there is no trajectory to analyse")
    report = progress or silent
    observations = [observe(run, system) for run in runs]
    result = Analysis(warnings=_warnings(observations, system))
    kind = ensemble or _ensemble(observations)
    steps: list[tuple[str, Callable[[], None]]] = [
        ("density", lambda: _density(result, observations, system, temperature, kind, series)),
        ("structure", lambda: result.add(*structure(observations, system, temperature))),
        (
            "transport",
            lambda: _transport(
                result, observations, system, temperature, currents, current_timestep, frame
            ),
        ),
    ]
    for k, (name, step) in enumerate(steps):
        report(k, len(steps), name)
        step()
    report(len(steps), len(steps), "")
    return result


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


def _density(
    result: Analysis,
    observations: Sequence[Observation],
    system: SystemDescription,
    temperature: float | None,
    kind: Ensemble,
    series: Sequence[Mapping[str, ArrayLike]] | None,
) -> None:
    mass = float(system.masses.sum())
    if kind == "NVT":
        volume = float(np.mean([o.volumes.mean() for o in observations]))
        result.add([fixed_density(volume, mass, temperature)])
        return
    volumes = [o.volumes for o in observations]
    if series is not None and all("volume" in s for s in series):
        volumes = [np.asarray(s["volume"], dtype=float) for s in series]
    runs = [density_series(v, mass) for v in volumes]
    result.add([density(runs, temperature), compressibility(volumes, temperature)])
    for k, o in enumerate(observations):
        if not o.problem:
            times = o.timestep * np.arange(len(o))
            label = f"run {k + 1}" if len(observations) > 1 else ""
            result.add([], [density_curve(times, density_series(o.volumes, mass), label)])


def _transport(
    result: Analysis,
    observations: Sequence[Observation],
    system: SystemDescription,
    temperature: float | None,
    currents: Sequence[ArrayLike] | None,
    current_timestep: float | None,
    frame: Frame_,
) -> None:
    usable = [o for o in observations if not o.problem]
    steps = {round(o.timestep, 6) for o in usable}
    if not usable or len(steps) > 1:
        reason = observations[0].problem or f"runs with different time steps: {sorted(steps)} fs"
        result.add(transport_withheld(system, reason, temperature))
        return
    coefficients, curves = diffusion(usable, system, temperature)
    result.add(list(coefficients.values()), curves)
    self_diffusion = {name: q for (name, method), q in coefficients.items() if method == "einstein"}
    result.add(
        *charge_transport(
            usable, system, temperature, self_diffusion, currents, current_timestep, frame
        )
    )
